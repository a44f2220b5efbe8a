// Runs all cases on the Go receiver. Prints one line for each: its name and its result.
package main

import (
	"encoding/base64"
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

func call(call string, given []string) (string, error) {
	switch call {
	case "verify-webhook":
		headers := map[string]string{"webhook-id": given[2], "webhook-timestamp": given[3], "webhook-signature": given[4]}
		header := func(name string) string { return headers[name] }
		return signpost.VerifyWebhook(given[0], header, []byte(given[5]), at(given[1]))
	case "decrypt-body":
		return signpost.DecryptBody(keysOf(given[0]), given[1], []byte(given[2]))
	case "verify-return-url":
		parameters, err := signpost.VerifyReturnURL(keysOf(given[0]), given[2], at(given[1]))
		return sorted(parameters), err
	case "decrypt-return-url":
		return signpost.DecryptReturnURL(keysOf(given[0]), given[1], given[2])
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
