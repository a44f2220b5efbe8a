package signpost

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// Signpost sends a webhook again for up to a week, so the ids of processed ones stay that long.
const remembered = 7 * 24 * time.Hour

var fileName = regexp.MustCompile(`^[0-9A-Za-z_-]{1,64}$`)

// Keep keeps a webhook that VerifyWebhook accepted in a folder, so that your server answers first and works later. When it
// returns, answer the request with 204. It returns false if the id is known: there is nothing to do. The README shows the
// same with a table of a database, for several servers.
func Keep(folder, id string, body []byte) (bool, error) {
	if !fileName.MatchString(id) {
		return false, errors.New("signpost: the id cannot be the name of a file")
	}
	draft, err := os.CreateTemp(folder, "."+id+".*")
	if err != nil {
		return false, err
	}
	defer os.Remove(draft.Name())
	_, err = draft.Write(body)
	if err == nil {
		err = draft.Sync()
	}
	if closed := draft.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return false, err
	}
	// A link appears with the whole content, and fails if the id is known, even from two requests at once.
	err = os.Link(draft.Name(), filepath.Join(folder, id))
	if errors.Is(err, fs.ErrExist) {
		return false, nil
	}
	return err == nil, err
}

// Work calls handle for each kept webhook. If it fails, the webhook stays for the next call: after a crash, handle can get
// a webhook again. Run one worker at a time.
func Work(folder string, handle func(id string, body []byte) error) error {
	files, err := os.ReadDir(folder) // Sorted by name.
	if err != nil {
		return err
	}
	for _, file := range files {
		if strings.HasPrefix(file.Name(), ".") {
			continue
		}
		if err := workOn(filepath.Join(folder, file.Name()), handle); err != nil {
			return err
		}
	}
	return nil
}

func workOn(path string, handle func(id string, body []byte) error) error {
	body, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if len(body) > 0 {
		if err := handle(filepath.Base(path), body); err != nil {
			return err
		}
		return os.Truncate(path, 0) // The empty file remembers the id.
	}
	info, err := os.Stat(path)
	if err == nil && time.Since(info.ModTime()) > remembered {
		err = os.Remove(path)
	}
	return err
}
