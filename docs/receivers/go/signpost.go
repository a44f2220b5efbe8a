// Package signpost verifies and decrypts webhooks and return URLs of Signpost. Copy this file. It needs only Go 1.19 or
// newer. Every function returns only verified or decrypted values, and an error otherwise.
package signpost

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	// Maximum difference between a webhook's timestamp and our clock, in seconds. A return URL may be this far ahead.
	tolerance = 5 * 60
	// Maximum age of a return URL, in seconds: people may stay on the result page for a while.
	maxAge = 60 * 60
)

// ErrRefused reports that the input is not authentic, or is malformed.
var ErrRefused = errors.New("signpost: refused")

// VerifyWebhook verifies a webhook and returns its webhook-id. Process each id once. The secrets are the endpoint's
// whsec_…: one, or both during a rotation. header is request.Header.Get, and body is the raw bytes.
func VerifyWebhook(secrets []string, header func(string) string, body []byte, now time.Time) (string, error) {
	var keys [][]byte
	for _, secret := range secrets {
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
		if err != nil || !strings.HasPrefix(secret, "whsec_") || len(key) < 24 {
			return "", errors.New("signpost: the signing secret is not whsec_ and base64")
		}
		keys = append(keys, key)
	}
	id, timestamp := header("webhook-id"), header("webhook-timestamp")
	seconds, err := strconv.ParseUint(timestamp, 10, 40)
	if age := now.Unix() - int64(seconds); err != nil || id == "" || age < -tolerance || age > tolerance {
		return "", ErrRefused
	}
	for _, key := range keys {
		expected := []byte("v1," + base64.StdEncoding.EncodeToString(mac(key, id+"."+timestamp+"."+string(body))))
		for _, signature := range strings.Split(header("webhook-signature"), " ") {
			if hmac.Equal([]byte(signature), expected) {
				return id, nil
			}
		}
	}
	return "", ErrRefused
}

// Apply compares an event with the last one that you applied to the same submission. last is the stored sequence of the
// submission, and sequence is that of the event. 0 means that there is none: the first sequence is 1. Apply returns "new" if
// the event is newer: apply it, and store its sequence as last. It returns "seen" for the last one itself, and "older" for
// an earlier one: ignore both. An event without a sequence has no order and is "new": leave last as it is.
func Apply(last, sequence int64) string {
	switch {
	case last == 0 || sequence == 0 || sequence > last:
		return "new"
	case sequence == last:
		return "seen"
	default:
		return "older"
	}
}

// DecryptBody decrypts the body of a webhook that VerifyWebhook accepted, and returns its JSON. The keys are the
// project's secretKeys by id. encryption is the endpoint's setting: aes-256-gcm or aes-256-ecb.
func DecryptBody(secretKeys map[string]string, encryption string, body []byte) (string, error) {
	var object struct{ Data string }
	if err := json.Unmarshal(body, &object); err != nil {
		return "", ErrRefused
	}
	return decrypt(secretKeys, encryption, object.Data)
}

// VerifyReturnURL verifies the query of a return URL, request.URL.RawQuery, and returns its parameters. Accept each
// nonce once.
func VerifyReturnURL(secretKeys map[string]string, query string, now time.Time) (map[string]string, error) {
	at := strings.LastIndex(query, "&sig=")
	if at < 0 {
		return nil, ErrRefused
	}
	signed, signature := query[:at], query[at+len("&sig="):]
	fits := false
	for _, secretKey := range secretKeys {
		expected := "v1," + base64.RawURLEncoding.EncodeToString(mac([]byte(secretKey), signed))
		fits = len(secretKey) == 32 && hmac.Equal([]byte(signature), []byte(expected)) || fits
	}
	if !fits {
		return nil, ErrRefused
	}
	parameters, err := parse(signed)
	if err != nil || parameters["nonce"] == "" {
		return nil, ErrRefused
	}
	seconds, err := strconv.ParseUint(parameters["ts"], 10, 40)
	if age := now.Unix() - int64(seconds); err != nil || age < -tolerance || age > maxAge {
		return nil, ErrRefused
	}
	return parameters, nil
}

// DecryptReturnURL decrypts the query of a return URL and returns the JSON of its fields. If your URLs are signed, call
// VerifyReturnURL first.
func DecryptReturnURL(secretKeys map[string]string, encryption, query string) (string, error) {
	parameters, err := parse(query)
	if err != nil {
		return "", err
	}
	if encryption != "aes-256-ecb" {
		kid := parameters["kid"]
		secretKey, isKnown := secretKeys[kid]
		if !isKnown {
			return "", ErrRefused
		}
		secretKeys = map[string]string{kid: secretKey}
	}
	return decrypt(secretKeys, encryption, parameters["encrypted"])
}

func decrypt(secretKeys map[string]string, encryption, data string) (string, error) {
	ciphertext, err := base64.StdEncoding.DecodeString(data)
	if err != nil {
		return "", ErrRefused
	}
	open := openGCM
	if encryption == "aes-256-ecb" {
		open = openECB
	}
	for _, secretKey := range secretKeys {
		block, err := aes.NewCipher([]byte(secretKey))
		if err != nil || len(secretKey) != 32 {
			return "", errors.New("signpost: a secretKey is not 32 letters and digits")
		}
		text := string(open(block, ciphertext))
		// ECB has no tag: under a wrong key the padding can look valid by chance, but the result is not a JSON object.
		if utf8.ValidString(text) && strings.HasPrefix(text, "{") && strings.HasSuffix(text, "}") {
			return text, nil
		}
	}
	return "", ErrRefused
}

// openGCM returns nil if the key is wrong or the ciphertext was changed. openECB returns nil if it can detect this.
func openGCM(block cipher.Block, ciphertext []byte) []byte {
	gcm, err := cipher.NewGCM(block)
	if err != nil || len(ciphertext) < gcm.NonceSize() {
		return nil
	}
	plain, _ := gcm.Open(nil, ciphertext[:gcm.NonceSize()], ciphertext[gcm.NonceSize():], nil)
	return plain
}

func openECB(block cipher.Block, ciphertext []byte) []byte {
	size := block.BlockSize()
	if len(ciphertext) == 0 || len(ciphertext)%size != 0 {
		return nil
	}
	plain := make([]byte, len(ciphertext))
	for at := 0; at < len(plain); at += size {
		block.Decrypt(plain[at:], ciphertext[at:])
	}
	padding := plain[len(plain)-1]
	count := int(padding)
	if count < 1 || count > size || !bytes.HasSuffix(plain, bytes.Repeat([]byte{padding}, count)) {
		return nil
	}
	return plain[:len(plain)-count]
}

func mac(key []byte, text string) []byte {
	hash := hmac.New(sha256.New, key)
	hash.Write([]byte(text))
	return hash.Sum(nil)
}

func parse(query string) (map[string]string, error) {
	values, err := url.ParseQuery(query)
	parameters := make(map[string]string, len(values))
	for name, all := range values {
		if len(all) > 1 {
			return nil, ErrRefused
		}
		parameters[name] = all[0]
	}
	return parameters, err
}
