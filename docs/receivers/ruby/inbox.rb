# frozen_string_literal: true

# Keeps verified webhooks in a folder, each id once, so that your server answers first and works later. Copy this file. It
# needs only Ruby 3.0 or newer. ../README.md shows the same with a table of a database, for several servers.

require "fileutils"
require "securerandom"

module Signpost
  # A folder of webhooks.
  class Inbox
    # Signpost sends a webhook again for up to a week, so the ids of processed ones stay that long.
    REMEMBERED_SECONDS = 7 * 24 * 60 * 60

    def initialize(folder)
      @folder = folder
    end

    # Keeps a webhook that `verify_webhook` accepted. When it returns, answer the request with 204. Returns false if the id is
    # known: there is nothing to do.
    def keep(id, body)
      raise ArgumentError, "the id cannot be the name of a file" unless id.match?(/\A[0-9A-Za-z_-]{1,64}\z/)

      draft = File.join(@folder, ".#{id}.#{SecureRandom.uuid}")
      File.open(draft, File::CREAT | File::EXCL | File::WRONLY | File::BINARY) do |file|
        file.write(body)
        file.fsync
      end
      # A link appears with the whole content, and fails if the id is known, even from two requests at once.
      File.link(draft, File.join(@folder, id))
      true
    rescue Errno::EEXIST
      false
    ensure
      FileUtils.rm_f(draft) if draft
    end

    # Yields the id and body of each kept webhook. If the block fails, the webhook stays for the next call: after a crash, the
    # block can get a webhook again. Run one worker at a time.
    def work
      Dir.children(@folder).reject { |name| name.start_with?(".") }.sort.each do |name|
        path = File.join(@folder, name)
        body = File.binread(path)
        if !body.empty?
          yield name, body
          File.truncate(path, 0) # The empty file remembers the id.
        elsif Time.now - File.mtime(path) > REMEMBERED_SECONDS
          File.delete(path)
        end
      end
    end
  end
end
