package runsapi

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestParseKey(t *testing.T) {
	const noKey = "a first line that is no key"
	for _, tc := range []struct{ text, key, instead string }{
		{"key", "key", ""},
		{"\ufeff key \r\nsecond line", "key", ""},
		{`"key"`, "key", ""},
		{"'key'\n", "key", ""},
		{`""key""`, "", noKey},
		{`"key`, "", noKey},
		{"key'", "", noKey},
		{`"a","b"`, "", noKey},
		{`"`, "", noKey},
		{"", "", "nothing"},
		{"''", "", "nothing"},
		{"\nkey", "", "nothing"},
		{"two words", "", noKey},
		{"\" key\"", "", noKey},
		{"schlüssel", "", noKey},
		{"k\x00y", "", noKey},
		{"!~!", "!~!", ""},
		{`{"accessToken":"key"}`, "", "JSON"},
		{"{\n", "", "JSON"},
		{`["key"]`, "", "JSON"},
		{"null\n", "", "JSON"},
		{"nullable", "nullable", ""},
	} {
		key, instead := parseKey(tc.text)
		if key != tc.key || !strings.HasPrefix(instead, tc.instead) || (instead == "") != (tc.instead == "") {
			t.Errorf("%q: key %q, %q; want %q, %q", tc.text, key, instead, tc.key, tc.instead)
		}
	}
}

func TestUsedKeysAreBounded(t *testing.T) {
	var u usedKeys
	for i := range maxUsedKeys + 1 {
		for range 2 {
			u.add(string(rune('a' + i)))
		}
	}
	if len(u) != maxUsedKeys || u[0] != "b" || u[maxUsedKeys-1] != string(rune('a'+maxUsedKeys)) {
		t.Errorf("%d keys from %q to %q", len(u), u[0], u[len(u)-1])
	}
}

// keyInFile is a key file, with a function that writes it anew.
func keyInFile(t *testing.T, text string) (path string, write func(text string)) {
	path = filepath.Join(t.TempDir(), "canary")
	write = func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(text)
	return path, write
}

func TestKeyFileIsReadAgainWhenItHasChanged(t *testing.T) {
	path, write := keyInFile(t, "key-1\n")
	var got []sent
	c := dial(t, recorder(&got, runJSON), func(cfg *Config) { cfg.APIKey, cfg.KeyFile = "other", path })
	for _, step := range []struct {
		name   string
		change func()
		want   string
	}{
		{"as it was", func() {}, "key-1"},
		{"another key", func() { write("'key-10'") }, "key-10"},
		{"empty", func() { write("") }, "key-10"},
		{"gone", func() { os.Remove(path) }, "key-10"},
		{"back", func() { write("key-2") }, "key-2"},
		{"another file", func() {
			other, _ := keyInFile(t, "key-3")
			os.Rename(other, path)
		}, "key-3"},
	} {
		step.change()
		got = nil
		if _, err := c.GetRun(t.Context(), "t", "r"); err != nil || got[0].Header.Get("Authorization") != "Bearer "+step.want {
			t.Errorf("%s: sent %+v, want %s, %v", step.name, got, step.want, err)
		}
	}
	if want := []string{"key-1", "key-10", "key-2", "key-3"}; !slices.Equal(c.keys.seen(), want) {
		t.Errorf("secrets %q, want %q", c.keys.seen(), want)
	}
}

func TestKeyFileIsReadAgainOnA401(t *testing.T) {
	path, write := keyInFile(t, "key-1")
	tries := 0
	c := dial(t, func(w http.ResponseWriter, r *http.Request) {
		tries++
		if r.Header.Get("Authorization") != "Bearer key-2" {
			write("key-2")
			status(401, "expired")(w, r)
			return
		}
		answers(runJSON)(w, r)
	}, func(cfg *Config) { cfg.KeyFile = path })
	if _, err := c.GetRun(t.Context(), "t", "r"); err != nil || tries != 2 {
		t.Errorf("%d tries, %v", tries, err)
	}
	c = dial(t, status(401, "expired"), func(cfg *Config) { cfg.KeyFile = path })
	var e *Error
	if _, err := c.GetRun(t.Context(), "t", "r"); !errors.As(err, &e) || e.Attempts != 1 {
		t.Errorf("the file is as it was: %+v", e)
	}
}

func TestKeyFileWithoutAKeyIsRefused(t *testing.T) {
	for name, tc := range map[string]struct{ text, want string }{
		"missing":   {"", "the API key file cannot be read: "},
		"directory": {"", "the API key file cannot be read: it is not a regular file"},
		"empty":     {"\n", "the API key file holds nothing on its first line"},
		"JSON":      {"{}", "the API key file holds JSON"},
		"too long":  {strings.Repeat("canary", maxKey) + " x", "the API key file cannot be read: it is longer than 64 KiB"},
		"the most":  {"key" + strings.Repeat("\n", maxKey-3), ""},
		"one more":  {"key" + strings.Repeat("\n", maxKey-2), "the API key file cannot be read: it is longer than 64 KiB"},
	} {
		path, _ := keyInFile(t, tc.text)
		switch name {
		case "missing":
			os.Remove(path)
		case "directory":
			path = filepath.Dir(path)
		}
		_, err := New(Config{BaseURL: "https://h/v1", KeyFile: path})
		var key *KeyError
		if tc.want == "" {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
		} else if !errors.As(err, &key) || key.Source != SourceKeyFile || !strings.HasPrefix(err.Error(), tc.want) || strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v, want %q", name, err, tc.want)
		}
	}
}
