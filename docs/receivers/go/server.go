// Command server receives webhooks of Signpost. Copy this file, and signpost.go and inbox.go into the folder signpost. It
// needs only Go 1.19 or newer. README.md says how to run it.
package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"receiver/signpost"
)

var (
	signingSecrets = strings.Fields(os.Getenv("SIGNING_SECRETS"))
	encryption     = os.Getenv("ENCRYPTION")
	secretKeys     = map[string]string{}
	arrived        = make(chan struct{}, 1)
)

func receive(response http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return // The sender has gone.
	}
	// 1. Verify the raw bytes. While a secret is rotated, there are several.
	id, err := signpost.VerifyWebhook(signingSecrets, request.Header.Get, body, time.Now())
	if err != nil {
		log.Print("not accepted: ", err)
		// After this status and the next one, Signpost sends the webhook again.
		response.WriteHeader(http.StatusBadRequest)
		return
	}
	// 3. Drop webhooks that were seen: Keep stores each id once. A test is only answered.
	if request.Header.Get("webhook-test") != "true" {
		if _, err := signpost.Keep("inbox", id, body); err != nil {
			log.Print("not accepted: ", err)
			response.WriteHeader(http.StatusInternalServerError)
			return
		}
		wake()
	}
	// 5. Answer at once. The webhook is stored, so the work can wait.
	response.WriteHeader(http.StatusNoContent)
}

// wake makes workLater work. One signal is enough for several webhooks.
func wake() {
	select {
	case arrived <- struct{}{}:
	default:
	}
}

// handle handles a stored webhook. If it fails, the webhook stays in the inbox, and is handled again later.
func handle(id string, body []byte) error {
	// 2. Decrypt the body, if the endpoint has an encryption.
	if encryption != "" {
		text, err := signpost.DecryptBody(secretKeys, encryption, body)
		if err != nil {
			return err
		}
		body = []byte(text)
	}
	var event struct {
		Type         string
		SubmissionID string
		Sequence     int64
	}
	if err := json.Unmarshal(body, &event); err != nil {
		return err
	}
	last, err := lastSequence(event.SubmissionID)
	if err != nil {
		return err
	}
	// 4. Ignore an event that is older than the last one of its submission.
	outcome := signpost.Apply(last, event.Sequence)
	if outcome == "new" {
		if event.Sequence != 0 {
			last = event.Sequence
		}
		if err := update(event.SubmissionID, event.Type, last); err != nil {
			return err
		}
	}
	fmt.Println(outcome, event.Type, id)
	return nil
}

// Replace this type and these functions by a table of your database. A file has the status and the sequence of a submission.

type submission struct {
	ID       string `json:"submission"`
	Status   string `json:"status"`
	Sequence int64  `json:"sequence"`
}

// lastSequence returns 0 if there is none yet.
func lastSequence(id string) (int64, error) {
	var stored submission
	content, err := os.ReadFile(fileOf(id))
	if id == "" || errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	} else if err != nil {
		return 0, err
	}
	err = json.Unmarshal(content, &stored)
	return stored.Sequence, err
}

// update stores the status and the sequence together, so that a crash cannot separate them.
func update(id, status string, sequence int64) error {
	if id == "" {
		return nil
	}
	content, err := json.Marshal(submission{id, status, sequence})
	if err != nil {
		return err
	}
	if err := os.WriteFile(fileOf(id)+".new", content, 0o600); err != nil {
		return err
	}
	return os.Rename(fileOf(id)+".new", fileOf(id))
}

// fileOf names a file by a hash, because ids of submissions can have characters that names of files cannot have.
func fileOf(id string) string {
	hash := sha256.Sum256([]byte(id))
	return filepath.Join("submissions", hex.EncodeToString(hash[:]))
}

// workLater (5) works when the server starts, after each webhook, and every ten seconds in case the work failed.
func workLater() {
	for {
		if err := signpost.Work("inbox", handle); err != nil {
			log.Print("work failed: ", err)
		}
		select {
		case <-arrived:
		case <-time.After(10 * time.Second):
		}
	}
}

func main() {
	if len(signingSecrets) == 0 {
		log.Fatal("SIGNING_SECRETS is not set")
	}
	for _, key := range strings.Fields(os.Getenv("SECRET_KEYS")) {
		id, secretKey, _ := strings.Cut(key, "=")
		secretKeys[id] = secretKey
	}
	for _, folder := range []string{"inbox", "submissions"} {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			log.Fatal(err)
		}
	}
	port := os.Getenv("PORT")
	if port == "" {
		port = "3000"
	}
	listener, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("listening on http://%s\n", listener.Addr())
	go workLater()
	log.Fatal(http.Serve(listener, http.HandlerFunc(receive)))
}
