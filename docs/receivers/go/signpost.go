// Package signpost takes what Signpost sends. Copy this file: it needs Go 1.19 or newer and nothing else.
// Every function returns what it has proved, and an error for everything else.
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
	// How far a webhook's clock may be from ours, and how far a return URL's may be ahead of ours, in seconds.
	tolerance = 5 * 60
	// How old a return URL may be, in seconds: people may stay on the result page for a while.
	maxAge = 60 * 60
)

// ErrRefused says that what came is not to be believed.
var ErrRefused = errors.New("signpost: refused")

// VerifyWebhook verifies a webhook, and returns its webhook-id: handle each id once. The secret is the endpoint's
// whsec_…, header is request.Header.Get, and body has the bytes as they came.
func VerifyWebhook(secret string, header func(string) string, body []byte, now time.Time) (string, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil || !strings.HasPrefix(secret, "whsec_") || len(key) < 24 {
		return "", errors.New("signpost: the signing secret is not whsec_ and base64")
	}
	id, timestamp := header("webhook-id"), header("webhook-timestamp")
	seconds, err := strconv.ParseUint(timestamp, 10, 40)
	if age := now.Unix() - int64(seconds); err != nil || id == "" || age < -tolerance || age > tolerance {
		return "", ErrRefused
	}
	expected := []byte("v1," + base64.StdEncoding.EncodeToString(mac(key, id+"."+timestamp+"."+string(body))))
	for _, signature := range strings.Split(header("webhook-signature"), " ") {
		if hmac.Equal([]byte(signature), expected) {
			return id, nil
		}
	}
	return "", ErrRefused
}

// DecryptBody decrypts the body of a webhook that VerifyWebhook has let pass, and returns the JSON text. The keys are
// the project's secretKeys by their ids; encryption is as the endpoint is set: aes-256-gcm or aes-256-ecb.
func DecryptBody(secretKeys map[string]string, encryption string, body []byte) (string, error) {
	var object struct{ Data string }
	if err := json.Unmarshal(body, &object); err != nil {
		return "", ErrRefused
	}
	return decrypt(secretKeys, encryption, object.Data)
}

// VerifyReturnURL verifies the query of a return URL, request.URL.RawQuery, and returns its parameters: take each nonce
// once.
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

// DecryptReturnURL decrypts the query of a return URL, and returns the JSON text of the fields. If your URLs are signed,
// let VerifyReturnURL see the query first.
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
		// ECB has no tag: with a wrong key the padding may look right by chance, an object does not.
		if utf8.ValidString(text) && strings.HasPrefix(text, "{") && strings.HasSuffix(text, "}") {
			return text, nil
		}
	}
	return "", ErrRefused
}

// openGCM returns nothing if the key is another one, or the ciphertext was changed. So does openECB, if it can tell.
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
