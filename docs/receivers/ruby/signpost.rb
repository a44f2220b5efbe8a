# frozen_string_literal: true

# Verifies and decrypts webhooks and return URLs of Signpost. Copy this file. It needs only Ruby 3.0 or newer.
# Every method returns only verified or decrypted values, and raises Signpost::Refused otherwise.

require "json"
require "openssl"
require "uri"

module Signpost
  # Maximum difference between a webhook's timestamp and our clock. A return URL may be this far ahead.
  TOLERANCE_SECONDS = 5 * 60
  # Maximum age of a return URL: people may stay on the result page for a while.
  MAX_AGE_SECONDS = 60 * 60

  # The input is not authentic, or is malformed.
  class Refused < StandardError; end

  module_function

  # Verifies a webhook and returns its `webhook-id`. Process each id once.
  # `secrets` are the endpoint's `whsec_…`: one, or both during a rotation. `env` is Rack's, and `body` is the raw bytes
  # (`request.body.read`).
  def verify_webhook(secrets, env, body, now: Time.now)
    keys = secrets.map { |secret| secret_bytes(secret) }
    id, timestamp, signatures = %w[ID TIMESTAMP SIGNATURE].map { |name| env["HTTP_WEBHOOK_#{name}"].to_s }
    refuse_unless(!id.empty? && timestamp.match?(/\A[0-9]{1,12}\z/), "headers are missing")
    refuse_unless((now.to_i - timestamp.to_i).abs <= TOLERANCE_SECONDS, "too old, or from the future")
    content = "#{id}.#{timestamp}.".b + body.b
    expected = keys.map { |key| "v1,#{[OpenSSL::HMAC.digest("SHA256", key, content)].pack("m0")}" }
    fits = signatures.split(" ").product(expected).map { |signature, one| OpenSSL.secure_compare(signature, one) }
    refuse_unless(fits.any?, "no signature fits")
    id
  end

  # Compares an event with the last one that you applied to the same submission. Returns "new" if the event is newer: apply
  # it, and store its `sequence` as `last`. Returns "seen" for the last one itself, and "older" for an earlier one: ignore
  # both. An event without a `sequence` has no order and is "new": leave `last` as it is.
  # `last` is the stored `sequence` of the submission, or nil. `event` is the parsed body of a webhook, or an item of the feed.
  def apply(last, event)
    sequence = event["sequence"]
    return "new" if sequence.nil? || last.nil? || sequence > last

    sequence == last ? "seen" : "older"
  end

  # Decrypts the body of a webhook that `verify_webhook` accepted, and returns its JSON.
  # `secret_keys` is the project's `{ key id => secretKey }`. `encryption` is the endpoint's setting: `aes-256-gcm` or
  # `aes-256-ecb`.
  def decrypt_body(secret_keys, encryption, body)
    object = JSON.parse(body)
    refuse_unless(object.is_a?(Hash), "the body is no object")
    decrypt(secret_keys.values, encryption, object["data"])
  rescue JSON::ParserError
    raise Refused, "the body is not JSON"
  end

  # Verifies the query of a return URL and returns its parameters. Accept each `nonce` once.
  # `query` is everything after the first `?`, unchanged (`request.query_string`).
  def verify_return_url(secret_keys, query, now: Time.now)
    signed, mark, signature = query.rpartition("&sig=")
    refuse_unless(!mark.empty?, "there is no signature")
    fits = secret_keys.values.map do |secret_key|
      digest = OpenSSL::HMAC.digest("SHA256", key_bytes(secret_key), signed)
      OpenSSL.secure_compare(signature, "v1,#{[digest].pack("m0").tr("+/", "-_").delete("=")}")
    end
    refuse_unless(fits.any?, "the signature does not fit")
    parameters = parse(signed)
    timestamp = parameters["ts"].to_s
    is_whole = timestamp.match?(/\A[0-9]{1,12}\z/) && !parameters["nonce"].to_s.empty?
    refuse_unless(is_whole, "ts or nonce is missing")
    age = now.to_i - timestamp.to_i
    refuse_unless(age.between?(-TOLERANCE_SECONDS, MAX_AGE_SECONDS), "too old, or from the future")
    parameters
  end

  # Decrypts the query of a return URL and returns the JSON of its fields. If your URLs are signed, call
  # `verify_return_url` first.
  def decrypt_return_url(secret_keys, encryption, query)
    parameters = parse(query)
    candidates = encryption == "aes-256-ecb" ? secret_keys.values : [secret_keys[parameters["kid"]]].compact
    decrypt(candidates, encryption, parameters["encrypted"])
  end

  def decrypt(secret_keys, encryption, data)
    ciphertext = base64(data)
    refuse_unless(ciphertext.bytesize > (encryption == "aes-256-gcm" ? 28 : 0), "the ciphertext is too short")
    secret_keys.each do |secret_key|
      plain = encryption == "aes-256-gcm" ? open_gcm(secret_key, ciphertext) : open_ecb(secret_key, ciphertext)
      text = plain.force_encoding(Encoding::UTF_8)
      # ECB has no tag: under a wrong key the padding can look valid by chance, but the result is not a JSON object.
      return text if text.valid_encoding? && text.start_with?("{") && text.end_with?("}")
    rescue OpenSSL::Cipher::CipherError
      next # Another key may have encrypted it.
    end
    raise Refused, "no key decrypts it"
  end

  def open_gcm(secret_key, ciphertext)
    cipher = OpenSSL::Cipher.new("aes-256-gcm").decrypt
    cipher.key = key_bytes(secret_key)
    cipher.iv = ciphertext.byteslice(0, 12)
    cipher.auth_tag = ciphertext.byteslice(-16, 16)
    cipher.update(ciphertext.byteslice(12...-16)) + cipher.final
  end

  def open_ecb(secret_key, ciphertext)
    cipher = OpenSSL::Cipher.new("aes-256-ecb").decrypt
    cipher.key = key_bytes(secret_key)
    cipher.update(ciphertext) + cipher.final
  end

  def secret_bytes(secret)
    key = secret.start_with?("whsec_") ? base64(secret.delete_prefix("whsec_")) : ""
    refuse_unless(key.bytesize >= 24, "the signing secret is not whsec_ and base64")
    key
  end

  def key_bytes(secret_key)
    refuse_unless(secret_key.match?(/\A[0-9A-Za-z]{32}\z/), "a secretKey is not 32 letters and digits")
    secret_key
  end

  def base64(text)
    text.to_s.unpack1("m0")
  rescue ArgumentError
    raise Refused, "base64 is damaged"
  end

  def parse(query)
    pairs = URI.decode_www_form(query.squeeze("&"))
    refuse_unless(pairs.to_h.size == pairs.size, "a parameter comes twice")
    pairs.to_h
  rescue ArgumentError
    raise Refused, "the query is damaged"
  end

  def refuse_unless(condition, message)
    raise Refused, message unless condition
  end

  private_class_method :decrypt, :open_gcm, :open_ecb, :secret_bytes, :key_bytes, :base64, :parse, :refuse_unless
end
