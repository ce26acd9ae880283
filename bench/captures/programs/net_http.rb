# Sends a plan with Ruby's net/http.
require "json"
require "net/http"
require_relative "plan"

uri = URI(PLAN["url"])
post = Net::HTTP::Post.new(uri)
case PLAN["mode"]
when "urlencoded" then post.set_form_data(PLAN[:texts])
when "json"
  post.body = PLAN[:texts].to_h.to_json
  post["Content-Type"] = "application/json"
when "query"
  uri.query = URI.encode_www_form(PLAN[:texts])
  post = Net::HTTP.const_get(PLAN["method"].capitalize).new(uri)
when "raw"
  post.body = File.binread(PLAN["body"])
  post["Content-Type"] = PLAN["content_type"]
else
  parts = PLAN[:texts].dup
  PLAN[:files].each do |name, path, filename, type|
    parts << [name, File.open(path, "rb"), { filename: filename, content_type: type }]
  end
  post.set_form(parts, "multipart/form-data")
  post["Expect"] = "100-continue" if PLAN["expect"]
end
Net::HTTP.start(uri.host, uri.port, read_timeout: 20, max_retries: 0) do |http|
  http.continue_timeout = 5 if PLAN["expect"]
  http.request(post)
end
