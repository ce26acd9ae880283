# Sends a plan with Ruby's gem httpclient.
require "httpclient"
require_relative "plan"

client = HTTPClient.new
fields = PLAN[:texts].dup
if PLAN["mode"] == "urlencoded"
  client.post(PLAN["url"], fields)
else
  PLAN[:files].each do |name, path, _, type|
    fields << { "Content-Disposition" => %(form-data; name="#{name}"; filename="#{File.basename(path)}"),
                "Content-Type" => type, :content => File.binread(path) }
  end
  fields.map! { |field| field.is_a?(Array) ? { "Content-Disposition" => %(form-data; name="#{field[0]}"), :content => field[1] } : field }
  client.post(PLAN["url"], fields, "Content-Type" => "multipart/form-data; boundary=ruby-#{rand(10**12)}")
end
