# frozen_string_literal: true

# A server that receives webhooks of Signpost. Copy this file, signpost.rb and inbox.rb. It needs Ruby 3.0 or newer, and the gem
# webrick. README.md says how to run it.

require "digest"
require "fileutils"
require "json"
require "webrick"
require_relative "inbox"
require_relative "signpost"

SIGNING_SECRETS = ENV.fetch("SIGNING_SECRETS").split
ENCRYPTION = ENV.fetch("ENCRYPTION", "")
SECRET_KEYS = ENV.fetch("SECRET_KEYS", "").split.to_h { |key| key.split("=") }
FileUtils.mkdir_p(%w[inbox submissions])
INBOX = Signpost::Inbox.new("inbox")
ARRIVED = Queue.new

# Receives a webhook, and returns the status of the answer.
def receive(request)
  body = request.body.to_s
  # 1. Verify the raw bytes. While a secret is rotated, there are several.
  id = Signpost.verify_webhook(SIGNING_SECRETS, request.meta_vars, body)
  # 3. Drop webhooks that were seen: `keep` stores each id once. A test is only answered.
  ARRIVED << id if request["webhook-test"] != "true" && INBOX.keep(id, body)
  # 5. Answer at once. The webhook is stored, so the work can wait.
  204
rescue StandardError => error
  warn "not accepted: #{error.message}"
  # After either status, Signpost sends the webhook again.
  error.is_a?(Signpost::Refused) ? 400 : 500
end

# Handles a stored webhook. If it fails, the webhook stays in the inbox, and is handled again later.
def handle(id, body)
  # 2. Decrypt the body, if the endpoint has an encryption.
  event = JSON.parse(ENCRYPTION.empty? ? body : Signpost.decrypt_body(SECRET_KEYS, ENCRYPTION, body))
  last = last_sequence(event["submissionId"])
  # 4. Ignore an event that is older than the last one of its submission.
  outcome = Signpost.apply(last, event)
  update(event["submissionId"], event["type"], event.fetch("sequence", last)) if outcome == "new"
  puts "#{outcome} #{event["type"]} #{id}"
end

# Replace these three methods by a table of your database. A file has the status and the `sequence` of a submission.

def last_sequence(submission)
  return unless submission && File.exist?(file_of(submission))

  JSON.parse(File.read(file_of(submission)))["sequence"]
end

# Stores the status and the `sequence` together, so that a crash cannot separate them.
def update(submission, status, sequence)
  return unless submission

  file = file_of(submission)
  File.write("#{file}.new", JSON.generate({ submission: submission, status: status, sequence: sequence }))
  File.rename("#{file}.new", file)
end

# Ids of submissions can have characters that names of files cannot have.
def file_of(submission)
  File.join("submissions", Digest::SHA256.hexdigest(submission))
end

# 5. Works when the server starts, after each webhook, and every ten seconds in case the work failed.
def work_later
  Thread.new { loop { sleep 10 and ARRIVED << nil } }
  loop do
    ARRIVED.clear
    begin
      INBOX.work { |id, body| handle(id, body) }
    rescue StandardError => error
      warn "work failed: #{error.message}"
    end
    ARRIVED.pop
  end
end

$stdout.sync = true
server = WEBrick::HTTPServer.new(BindAddress: "127.0.0.1", Port: ENV.fetch("PORT", 3000).to_i, AccessLog: [])
server.mount_proc("/") { |request, response| response.status = receive(request) }
trap("TERM") { server.shutdown }
trap("INT") { server.shutdown }
puts "listening on http://127.0.0.1:#{server.listeners.first.addr[1]}"
Thread.new { work_later }
server.start
