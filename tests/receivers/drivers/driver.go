// Runs all cases on the Go receiver. Prints one line for each: its name and its result.
package main

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sort"
	"strconv"
	"strings"
	"time"

	"receivers/signpost"
)

func keysOf(text string) map[string]string {
	keys := map[string]string{}
	for _, key := range strings.Fields(text) {
		kid, secretKey, _ := strings.Cut(key, "=")
		keys[kid] = secretKey
	}
	return keys
}

func sorted(parameters map[string]string) string {
	var lines []string
	for name, value := range parameters {
		lines = append(lines, name+"="+value)
	}
	sort.Strings(lines)
	return strings.Join(lines, "; ")
}

func at(now string) time.Time {
	seconds, err := strconv.ParseInt(now, 10, 64)
	if err != nil {
		panic(err)
	}
	return time.Unix(seconds, 0)
}

// number reads a whole number. An empty one is 0.
func number(text string) int64 {
	number, _ := strconv.ParseInt(text, 10, 64)
	return number
}

var errWorkFails = errors.New("the work fails")

func keep(id string) (string, error) {
	folder, err := os.MkdirTemp("", "receiver-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(folder)
	isKept, err := signpost.Keep(folder, id, []byte("{}"))
	return map[bool]string{true: "kept", false: "seen"}[isKept], err
}

func receive(secretsAndNow []string, keys, encryption string, requests []string) (string, error) {
	folder, err := os.MkdirTemp("", "receiver-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(folder)
	var last int64
	var said []string
	for ; len(requests) > 0; requests = requests[5:] {
		happened, id, body, works := "refused", requests[0], []byte(requests[3]), requests[4] == "yes"
		_, err := call("verify-webhook", append(append([]string{}, secretsAndNow...), requests[:4]...))
		if err == nil {
			isKept, err := signpost.Keep(folder, id, body)
			if err != nil {
				panic(err)
			}
			happened = map[bool]string{true: "kept", false: "seen"}[isKept]
		}
		err = signpost.Work(folder, func(_ string, kept []byte) error {
			if !works {
				return errWorkFails
			}
			if encryption != "" {
				text, err := signpost.DecryptBody(keysOf(keys), encryption, kept)
				if err != nil {
					return err
				}
				kept = []byte(text)
			}
			var event struct{ Sequence int64 }
			if err := json.Unmarshal(kept, &event); err != nil {
				return err
			}
			outcome := signpost.Apply(last, event.Sequence)
			if outcome == "new" && event.Sequence != 0 {
				last = event.Sequence
			}
			happened += " " + outcome
			return nil
		})
		if errors.Is(err, errWorkFails) {
			happened += " failed"
		} else if err != nil {
			panic(err)
		}
		said = append(said, happened)
	}
	return strings.Join(said, ", "), nil
}

func call(call string, given []string) (string, error) {
	switch call {
	case "verify-webhook":
		headers := map[string]string{"webhook-id": given[2], "webhook-timestamp": given[3], "webhook-signature": given[4]}
		header := func(name string) string { return headers[name] }
		return signpost.VerifyWebhook(strings.Fields(given[0]), header, []byte(given[5]), at(given[1]))
	case "decrypt-body":
		return signpost.DecryptBody(keysOf(given[0]), given[1], []byte(given[2]))
	case "verify-return-url":
		parameters, err := signpost.VerifyReturnURL(keysOf(given[0]), given[2], at(given[1]))
		return sorted(parameters), err
	case "decrypt-return-url":
		return signpost.DecryptReturnURL(keysOf(given[0]), given[1], given[2])
	case "apply":
		return signpost.Apply(number(given[0]), number(given[1])), nil
	case "keep":
		return keep(given[0])
	case "receive":
		return receive(given[:2], given[2], given[3], given[4:])
	default:
		panic(call)
	}
}

func main() {
	cases, err := os.ReadFile(os.Args[1])
	if err != nil {
		panic(err)
	}
	for _, line := range strings.Split(string(cases), "\n") {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.Split(line, "\t")
		if said, err := call(fields[1], fields[3:]); err == nil {
			fmt.Printf("%s\tok\t%s\n", fields[0], base64.StdEncoding.EncodeToString([]byte(said)))
		} else {
			fmt.Printf("%s\trefused\n", fields[0])
		}
	}
}
