# Reads a plan: lines of cells apart by tabs, each percent-encoded.
require "uri"

PLAN = { "method" => "POST", "mode" => "multipart", :texts => [], :files => [] }
File.foreach(ARGV[0], chomp: true, encoding: "utf-8") do |line|
  kind, *cells = line.split("\t", -1).map { |cell| URI.decode_www_form_component(cell) }
  case kind
  when "text" then PLAN[:texts] << cells
  when "file" then PLAN[:files] << cells
  else PLAN[kind] = cells[0]
  end
end
