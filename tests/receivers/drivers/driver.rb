# frozen_string_literal: true

# Runs all cases on the Ruby receiver. Prints one line for each: its name and its result.

require "json"
require "tmpdir"
require_relative "../../../docs/receivers/ruby/inbox"
require_relative "../../../docs/receivers/ruby/signpost"

class WorkFails < StandardError; end

def keys_of(text)
  text.split.to_h { |key| key.split("=", -1) }
end

def verify_webhook(secrets, now, id, timestamp, signature, body)
  headers = { "HTTP_WEBHOOK_ID" => id, "HTTP_WEBHOOK_TIMESTAMP" => timestamp, "HTTP_WEBHOOK_SIGNATURE" => signature }
  Signpost.verify_webhook(secrets.split, headers.reject { |_, value| value.empty? }, body, now: Time.at(now.to_i))
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

def apply(last, sequence)
  Signpost.apply(last.empty? ? nil : last.to_i, sequence.empty? ? {} : { "sequence" => sequence.to_i })
end

def keep(id)
  Dir.mktmpdir { |folder| Signpost::Inbox.new(folder).keep(id, "{}") ? "kept" : "seen" }
rescue ArgumentError => error
  raise Signpost::Refused, error.message
end

def receive(secrets, now, keys, encryption, *requests)
  last = nil
  Dir.mktmpdir do |folder|
    inbox = Signpost::Inbox.new(folder)
    said = requests.each_slice(5).map do |id, timestamp, signature, body, works|
      happened = [take(inbox, secrets, now, id, timestamp, signature, body)]
      begin
        inbox.work do |_, kept|
          raise WorkFails if works == "no"

          event = JSON.parse(encryption.empty? ? kept : decrypt_body(keys, encryption, kept))
          outcome = Signpost.apply(last, event)
          last = event.fetch("sequence", last) if outcome == "new"
          happened << outcome
        end
      rescue WorkFails
        happened << "failed"
      end
      happened.join(" ")
    end
    said.join(", ")
  end
end

def take(inbox, secrets, now, id, timestamp, signature, body)
  verify_webhook(secrets, now, id, timestamp, signature, body)
  inbox.keep(id, body) ? "kept" : "seen"
rescue Signpost::Refused
  "refused"
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
