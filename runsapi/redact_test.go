package runsapi

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

// speller spells characters at random in the ways that servers do, and the
// characters of such a spelling in such ways again.
type speller struct{ *rand.Rand }

func (s speller) text(text string, depth int) string {
	var b strings.Builder
	for _, r := range text {
		b.WriteString(s.char(r, depth))
	}
	return b.String()
}

// whole spells a whole secret. The first character is not nested: it is a matter
// of taste whether a backslash before it belongs to it.
func (s speller) whole(secret string, depth int) string {
	return s.text(secret[:1], min(depth, 1)) + s.text(secret[1:], depth)
}

func (s speller) char(r rune, depth int) string {
	if depth == 0 || s.IntN(3) == 0 {
		return string(r)
	}
	var spelled string
	switch s.IntN(8) {
	case 0, 1:
		for _, unit := range utf16.Encode([]rune{r}) {
			spelled += s.pick(fmt.Sprintf(`\u%04x`, unit), fmt.Sprintf(`\u%04X`, unit))
		}
	case 2, 3:
		for _, b := range []byte(string(r)) {
			spelled += s.pick(fmt.Sprintf("%%%02x", b), fmt.Sprintf("%%%02X", b))
		}
	case 4:
		spelled = s.pick(fmt.Sprintf("&#%d;", r), fmt.Sprintf("&#%03d;", r))
	case 5:
		spelled = s.pick(fmt.Sprintf("&#x%x;", r), fmt.Sprintf("&#X%X;", r))
	case 6:
		names := map[rune]string{'+': "plus", '/': "sol", '=': "equals", '&': "amp", '<': "lt", '>': "gt", '"': "quot", '\'': "apos", '%': "percnt", '\\': "bsol", '_': "lowbar", 'é': "eacute"}
		if names[r] == "" {
			return string(r)
		}
		spelled = "&" + names[r] + ";"
	default:
		switch {
		case r < utf8.RuneSelf && !isWord(byte(r)) && r != ' ':
			spelled = `\` + string(r)
		case r < 0x100:
			spelled = s.pick(fmt.Sprintf(`\x%02x`, r), fmt.Sprintf(`\u{%x}`, r))
		default:
			return string(r)
		}
	}
	return s.text(spelled, depth-1)
}

func (s speller) pick(a, b string) string {
	if s.IntN(2) == 0 {
		return a
	}
	return b
}

// secret is a random secret that begins and ends with a letter, since what white
// space and + do at the ends is a matter of taste.
func (s speller) secret() string {
	const alphabet = `abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789`
	runes := []rune(alphabet + "++//==%%&&\\\\\"'<>-_.~é😀 #;")
	text := []rune{rune(alphabet[s.IntN(52)])}
	for n := 8 + s.IntN(24); len(text) < n || len(canonical(string(text))) < shortestSecret; {
		text = append(text, runes[s.IntN(len(runes))])
	}
	return string(append(text, rune(alphabet[s.IntN(52)])))
}

func redactorOf(secrets ...string) (r redactor) {
	for _, s := range secrets {
		r.add(s, true)
	}
	return r
}

func TestASecretIsReplacedInAnySpelling(t *testing.T) {
	for seed := range uint64(20_000) {
		s := speller{rand.New(rand.NewPCG(seed, 1))}
		secret := s.secret()
		before, after := "key: '", "' (denied) \\u0041 %41 &amp; more"
		text := before + s.whole(secret, s.IntN(3)) + after
		if got, want := redactorOf("another-one", secret).replace(text), before+"***"+after; got != want {
			t.Fatalf("seed %d: %q in\n%s\ngives\n%s", seed, secret, text, got)
		}
	}
}

// The same in a good answer, of which all else stays, to the byte.
func TestACredentialIsReplacedInAGoodAnswer(t *testing.T) {
	for seed := range uint64(10_000) {
		s := speller{rand.New(rand.NewPCG(seed, 2))}
		secret := s.secret()
		echo, err := json.Marshal("x " + s.whole(secret, s.IntN(2)) + " y")
		if err != nil {
			t.Fatal(err)
		}
		inner := string(echo[1 : len(echo)-1])
		if s.IntN(2) == 0 {
			inner = "x " + jsonSpelling(s, secret) + " y"
		}
		const format = `{"id":"run_1","n":12345678901234567890,"f":1.0,"%s":["\"",{"%[1]s":"%[1]s"}],"e":"\\\n\u00e9"}`
		got := redactorOf(secret).replaceInJSON(fmt.Sprintf(format, inner))
		if want := fmt.Sprintf(format, "x *** y"); got != want {
			t.Fatalf("seed %d: %q in\n%s\ngives\n%s", seed, secret, inner, got)
		}
	}
}

// jsonSpelling spells text as some JSON encoder would.
func jsonSpelling(s speller, text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case r == '"' || r == '\\' || r == '/' && s.IntN(2) == 0:
			b.WriteString(`\` + string(r))
		case s.IntN(3) == 0:
			for _, unit := range utf16.Encode([]rune{r}) {
				fmt.Fprintf(&b, `\u%04x`, unit)
			}
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

func TestAnInnocentTextIsLeftAlone(t *testing.T) {
	r := redactorOf("sk-secret+one/23456", "run", "ann key")
	for _, text := range []string{
		"", "plain words", `{"a":"b\u002Bc\/d","e":"100%","f":"A&amp;B &#43; C"}`, "No run_1 in thread_run-2, rerun", "sk-secret", "sk-secret+one/2345",
		`\`, `\\\\u`, "%", "%2", "%zz", "&", "&#", "&#;", "&#xZ;", "&unknown;", "&#99999999999;", `\ud83d`, `\ud83d\u0041`, `\u{110000}`, "%u00", `\x4`,
		strings.Repeat(`\`, 300), strings.Repeat("%25", 300), strings.Repeat("&amp;", 300), "Tom & Jerry's 50% off \\o/", "é\xff\x80",
	} {
		if got := r.replace(text); got != text {
			t.Errorf("%q became %q", text, got)
		}
	}
	for _, answer := range []string{
		`{"a":"\nk-secret+one/23456"}`, `{"id":"r","n":123456789012345678,"s":"a\u002Fb %41%42 &#65; \\x41"}`, `"\\"`, `[]`, `{"sk-secret":"\""}`,
	} {
		if got := redactorOf("123456789012345678", "sk-secret+one/23456", "nk-secret+one/23456").replaceInJSON(answer); got != answer {
			t.Errorf("%s became %s", answer, got)
		}
	}
}

func TestAShortSecretIsReplacedWhereItStandsAlone(t *testing.T) {
	r := redactorOf("run")
	for text, want := range map[string]string{
		"No run_1 in thread_run-2, rerun": "No run_1 in thread_run-2, rerun",
		"Bearer run":                      "Bearer ***",
		"x run run y":                     "x *** *** y",
		`key "run", run.`:                 `key "***", ***.`,
		`%22run%22 \nrun &quot;run&quot;`: `%22***%22 \n*** &quot;***&quot;`,
		`%41run`:                          `%41run`,
		`\u0072un`:                        "***",
	} {
		if got := r.replace(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	if got := r.replaceInJSON(`{"a":"run"}`); got != `{"a":"run"}` {
		t.Errorf("a short secret was replaced in a good answer: %s", got)
	}
}

// White space in a secret may be of any kind, and come back as any other.
func TestASecretWithOddWhiteSpace(t *testing.T) {
	for _, space := range []string{" ", "\u00a0", "\u3000", "\t", "\u0085"} {
		for _, echo := range []string{" ", "\u00a0", "\u3000", space} {
			r := redactorOf("abcdefgh" + space + "ijklmnop")
			if got := r.replace("x abcdefgh" + echo + "ijklmnop y"); got != "x *** y" {
				t.Errorf("%q for %q: %q", echo, space, got)
			}
			if got := r.replaceInJSON(`{"x":"abcdefgh` + echo + `ijklmnop"}`); got != `{"x":"***"}` && echo >= " " {
				t.Errorf("%q for %q in JSON: %q", echo, space, got)
			}
		}
	}
}

func TestWhatMaySpellASecretInAnotherWay(t *testing.T) {
	for text, want := range map[string]bool{
		"":              false,
		"plain":         false,
		`\u0041`:        true,
		`\u005f`:        true,
		`\u002d`:        true,
		`\u0025`:        true,
		`\u005c`:        true,
		`\u002B\u00e9`:  false,
		`\u002B\u0041`:  true,
		`\u00g1\u001g`:  false,
		`\u00`:          false,
		`\u0026b=c`:     false,
		`\u0026#`:       true,
		`\u0026amp;#`:   true,
		"%41":           true,
		"%2f%20%C3":     false,
		"%20%61":        true,
		"%5c":           true,
		"%25":           true,
		"%26a":          false,
		"%26#":          true,
		`%\u0034`:       true,
		"%&#52;":        true,
		"%u0041":        true,
		"100%, %4":      false,
		"a&b=c&d":       false,
		"&#65;":         true,
		"&amp;amp;#65;": true,
		"&amp;x":        false,
		"&amp;amp;x":    false,
		"&lt;&gt;":      false,
		"&percnt;41":    true,
		"&bsol;u0041":   true,
		"&num;":         true,
		"&lowbar;":      true,
		"&UnderBar;":    true,
		"&fjlig;":       true,
		"&AMP;#65;":     true,
		"&AMP;lt;":      false,
		`&\u0023`:       true,
		`\\x41`:         true,
		`\\U00000041`:   true,
		`\\u{41}`:       true,
		`\\u00e9 \\n "`: false,
	} {
		if got := spelledOddly(text); got != want {
			t.Errorf("%q: %t", text, got)
		}
	}
}

func TestAnswersAreSearchedForTheRarePartOfASecret(t *testing.T) {
	for secret, want := range map[string]string{
		"": "", "+/": "", "abc": "abc", "ab+abcd/a": "abcd", "sk-proj-Abcdefgh1": "Abcdefgh1", "sk-proj-2bcdefgh": "2bcdefgh", "sk-proj-abcdefg": "sk-proj-abcdefg",
		"abcdefghijAbcdefg": "abcdefghijAbcdefg", "éabcé": "abc", "Abcdefghi": "Abcdefghi", "abcdefg0hijklmno9": "0hijklmno9", "abZbcdefgh": "Zbcdefgh",
	} {
		if got := probe(secret); got != want {
			t.Errorf("%q: %q, want %q", secret, got, want)
		}
	}
}

func TestOverlappingSecretsAreReplacedTogether(t *testing.T) {
	r := redactorOf("abcdefgh12", "gh12345678", "abcdefgh12345", "12345678")
	for text, want := range map[string]string{
		"x abcdefgh12345678 y":           "x *** y",
		"x abcdefgh12 gh12345678 y":      "x *** *** y",
		"abcdefgh12abcdefgh12":           "******",
		"x abcdefgh1 345678 abcdefgh12y": "x abcdefgh1 345678 ***y",
	} {
		if got := r.replace(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestASecretAtTheCutIsReplacedWhole(t *testing.T) {
	secret := "sk-" + strings.Repeat("SECRET", 20)
	for before := maxText - len(secret) - 1; before <= maxText; before++ {
		got := redactorOf(secret).replace(strings.Repeat(".", before) + secret + strings.Repeat(".", maxText))
		if strings.Contains(got, "SECRET") || len(got) > maxText+len("***") {
			t.Fatalf("%d before it: %d bytes, %q", before, len(got), got[before:])
		}
	}
	// A string of a good answer is longer than what is looked at in one go.
	text := strings.Repeat(`\n`, maxText/2-30) + secret + strings.Repeat(`\u00e9`, maxText)
	want := strings.Replace(text, secret, "***", 1)
	if got := redactorOf(secret).replaceInJSON(`["` + text + `"]`); got != `["`+want+`"]` {
		t.Errorf("%d bytes, want %d", len(got), len(want)+4)
	}
}

func TestWhatCountsAsASecret(t *testing.T) {
	basic := base64.StdEncoding.EncodeToString([]byte("aladdin:open sesame 1"))
	cfg := Config{
		APIKey:  "k-short",
		Portkey: Portkey{APIKey: "pk-12345678", VirtualKey: "vk-12345678", Provider: "openai", Config: `{"provider":"azure-openai","retry":{"on":[429]},"targets":[{"api_key":"sk-inner-1"},{"api_key":"short"}]}`},
		Header: http.Header{
			"Authorization": {"Basic " + basic},
			"Cookie":        {`theme=dark-blue; sid="abcd"; n=1`},
			"X-Auth":        {`Foo token="tok-12", realm="production", x=12345678, y=1234567, sig=p%2Bq1234`},
			"X-Team":        {"alpha team"},
			"X-Short":       {"v1"},
			"X-Token":       {"Bearer s3cret7"},
		},
	}
	query := url.Values{"api-version": {"2025-05-01-preview"}, "code": {"c0de"}, "x": {"0123456789"}, "y": {"short"}}
	r := newRedactor(cfg, query, []string{"http://joe:p%40ss%20word@proxy:1", "token4711@proxy:2", "socks5://h", "%zz"})
	secrets := []string{
		"k-short", "pk-12345678", "vk-12345678", cfg.Portkey.Config, "sk-inner-1", "azure-openai", basic, "open sesame 1", "aladdin:open sesame 1",
		"dark-blue", "abcd", "tok-12", "p%2Bq1234", "p+q1234", "production", "12345678", "alpha team", "s3cret7", "c0de", "0123456789",
		"p@ss word", "joe:p@ss word", "joe:p%40ss%20word", base64.StdEncoding.EncodeToString([]byte("joe:p@ss word")), "token4711",
	}
	for _, s := range secrets {
		if got := r.replace("it was '" + s + "'."); got != "it was '***'." {
			t.Errorf("%q: %s", s, got)
		}
	}
	for _, s := range []string{"openai", "aladdin", "joe", "2025-05-01-preview", "v1", "1", "429", "api_key", "dark", "proxy", "1234567"} {
		if got := r.replace("it was '" + s + "'."); got != "it was '"+s+"'." {
			t.Errorf("%q is no secret: %s", s, got)
		}
	}
	for s, want := range map[string]string{"pk-12345678": "***", "sk-inner-1": "***", "open sesame 1": "***", "azure-openai": "azure-openai", "production": "production", "alpha team": "alpha team", "0123456789": "0123456789"} {
		if got := r.replaceInJSON(`["` + s + `"]`); got != `["`+want+`"]` {
			t.Errorf("a good answer with %q: %s, want %s", s, got, want)
		}
	}
}

func TestTheNameOfAPortkeyConfigIsNoCredential(t *testing.T) {
	r := newRedactor(Config{Portkey: Portkey{Config: "pc-my-config"}}, nil, nil)
	if text, result := r.replace("pc-my-config"), r.replaceInJSON(`"pc-my-config"`); text != "***" || result != `"pc-my-config"` {
		t.Error(text, result)
	}
}

func TestProxiesOfTheEnvironmentAreSecrets(t *testing.T) {
	for i, name := range []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"} {
		t.Setenv(name, fmt.Sprintf("http://u:pass-word-%d@h", i))
	}
	c := dial(t, answers(runJSON))
	if got := c.Redact("pass-word-0 pass-word-1 pass-word-2 pass-word-3"); got != "*** *** *** ***" {
		t.Error(got)
	}
}

func TestKeysOfACommandAreSecrets(t *testing.T) {
	c := dial(t, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"id":"r","status":"queued","echo":%q}`, r.Header.Get("Authorization"))
	}, func(cfg *Config) { cfg.KeyCommand = "echo key-of-the-command" })
	run, err := c.GetRun(t.Context(), "t", "r")
	if err != nil || run.RawJSON() != `{"id":"r","status":"queued","echo":"Bearer ***"}` {
		t.Errorf("%s, %v", run.RawJSON(), err)
	}
	if got := c.Redact("key-of-the-command"); got != "***" {
		t.Error(got)
	}
}

func FuzzRedact(f *testing.F) {
	f.Add("key sk-secret+one/23456 %73k", "sk-secret+one/23456")
	f.Add(`\u0041\\u0041%2525&amp;amp;#x41;`, `A\B%41&amp;C`)
	f.Add("&ampl %u0041 \\ud83d\\ude00 \\U0000002B", "+ + + + + a")
	f.Fuzz(func(t *testing.T, text, secret string) {
		if len(text) > maxText/2 || len(canonical(secret)) < shortestSecret || strings.Contains(secret, "*") {
			return
		}
		r := redactorOf(secret)
		defer func(begin time.Time) {
			if took := time.Since(begin); took > 2*time.Second {
				t.Errorf("%d bytes took %s", len(text), took)
			}
		}(time.Now())
		if got := r.replace(text); len(r.secrets) > 0 && strings.Contains(got, r.secrets[0].text) {
			t.Errorf("%q is left in %q", secret, got)
		}
		answer, _ := json.Marshal(map[string]any{text: []any{text, 1}})
		got := r.replaceInJSON(string(answer))
		if !json.Valid([]byte(got)) {
			t.Errorf("%s became %s", answer, got)
		}
		var read map[string][]any
		json.Unmarshal([]byte(got), &read)
		for name, items := range read {
			if left := name + "*" + items[0].(string); len(r.secrets) > 0 && strings.Contains(left, r.secrets[0].text) {
				t.Errorf("%q is left in %s", secret, got)
			}
		}
	})
}

func BenchmarkRedactResult(b *testing.B) {
	run, err := os.ReadFile("testdata/run_openai.json")
	if err != nil {
		b.Fatal(err)
	}
	for name, run := range map[string]string{
		"Run": string(run), "DenseEscapes": `{"id":"run_abc","instructions":"` + strings.Repeat(`It's \"100\" at a/b?c=d\u0026e=f\n`, 55) + `"}`,
	} {
		b.Run(name, func(b *testing.B) {
			r := redactorOf("sk-proj-Abcdefghijklmnopqrstuvwxyz0123456789", "another-key-4711")
			b.SetBytes(int64(len(run)))
			for b.Loop() {
				r.replaceInJSON(run)
			}
		})
	}
}

func BenchmarkRedactText(b *testing.B) {
	for name, text := range map[string]string{
		"Words": strings.Repeat("some words of an error ", 3000), "Escapes": strings.Repeat(`%25\u0041&amp;`, 5000), "Backslashes": strings.Repeat(`\`, maxText),
		"Bsol": strings.Repeat("&bsol;", maxText/6), "Mixed": strings.Repeat(`%5C\\`, maxText/5), "Percent": strings.Repeat("%25", maxText/3), "Nested": "%" + strings.Repeat("25", maxText/2),
	} {
		b.Run(name, func(b *testing.B) {
			r := redactorOf("sk-proj-Abcdefghijklmnopqrstuvwxyz0123456789", "another-key-4711")
			b.SetBytes(int64(min(len(text), maxText)))
			b.ReportAllocs()
			for b.Loop() {
				r.replace(text)
			}
		})
	}
}
