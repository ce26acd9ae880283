# Sends a plan with Ruby's gem multipart-post.
require "net/http/post/multipart"
require_relative "plan"

uri = URI(PLAN["url"])
fields = PLAN[:texts].to_h
PLAN[:files].each { |name, path, filename, type| fields[name] = UploadIO.new(File.open(path, "rb"), type, filename) }
post = Net::HTTP::Post::Multipart.new(uri.path, fields)
Net::HTTP.start(uri.host, uri.port, read_timeout: 20, max_retries: 0) { |http| http.request(post) }
