# frozen_string_literal: true

# Runs all cases on the Ruby receiver. Prints one line for each: its name and its result.

require_relative "../../../docs/receivers/ruby/signpost"

def keys_of(text)
  text.split.to_h { |key| key.split("=", -1) }
end

def verify_webhook(secret, now, id, timestamp, signature, body)
  headers = { "HTTP_WEBHOOK_ID" => id, "HTTP_WEBHOOK_TIMESTAMP" => timestamp, "HTTP_WEBHOOK_SIGNATURE" => signature }
  Signpost.verify_webhook(secret, headers.reject { |_, value| value.empty? }, body, now: Time.at(now.to_i))
end

def decrypt_body(keys, encryption, body)
  Signpost.decrypt_body(keys_of(keys), encryption, body)
end

def verify_return_url(keys, now, query)
  Signpost.verify_return_url(keys_of(keys), query, now: Time.at(now.to_i)).map { |pair| pair.join("=") }.sort.join("; ")
end

def decrypt_return_url(keys, encryption, query)
  Signpost.decrypt_return_url(keys_of(keys), encryption, query)
end

File.read(ARGV[0], encoding: "UTF-8").each_line(chomp: true) do |line|
  next if line.empty? || line.start_with?("#")

  name, call, _, *given = line.split("\t", -1)
  begin
    puts "#{name}\tok\t#{[send(call.tr("-", "_"), *given)].pack("m0")}"
  rescue Signpost::Refused
    puts "#{name}\trefused"
  end
end
