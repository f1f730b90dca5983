package schema_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"runs-mcp/schema"
)

type shared struct {
	Name string `json:"name" jsonschema_description:"A name, with a comma"`
}

type args struct {
	shared
	Limit int      `json:"limit,omitempty" jsonschema:"minimum=1,maximum=100" jsonschema_description:"How many"`
	Order string   `json:"order,omitempty" jsonschema:"enum=asc,enum=desc" jsonschema_description:"Which way"`
	All   bool     `json:"all,omitempty" jsonschema_description:"Every one"`
	Tags  []string `json:"tags,omitempty" jsonschema_description:"Some"`
	Kinds []string `json:"kinds,omitempty" jsonschema:"enum=a,enum=b" jsonschema_description:"Some of two"`
}

var input = schema.For(args{Limit: 20, Order: "asc"})

func TestInputSchema(t *testing.T) {
	const want = `{"properties":{"name":{"type":"string","description":"A name, with a comma"},` +
		`"limit":{"type":"integer","maximum":100,"minimum":1,"description":"How many"},` +
		`"order":{"type":"string","enum":["asc","desc"],"description":"Which way"},` +
		`"all":{"type":"boolean","description":"Every one"},` +
		`"tags":{"items":{"type":"string"},"type":"array","description":"Some"},` +
		`"kinds":{"items":{"type":"string","enum":["a","b"]},"type":"array","description":"Some of two"}},` +
		`"additionalProperties":false,"type":"object","required":["name"]}`
	if got := string(input.JSON()); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

func TestOpenSchema(t *testing.T) {
	type item struct {
		Any any `json:"any,omitempty"`
	}
	type result struct {
		ID   string `json:"id"`
		Any  any    `json:"any,omitempty"`
		Data []item `json:"data,omitempty"`
	}
	const want = `{"properties":{"id":{"type":"string"},"any":{},"data":{"items":{"properties":{"any":{}},"type":"object"},"type":"array"}},"type":"object","required":["id"]}`
	if got := string(schema.Open[result]()); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

func TestDecode(t *testing.T) {
	base := args{shared: shared{"x"}, Limit: 20, Order: "asc"}
	with := func(change func(*args)) args {
		a := base
		change(&a)
		return a
	}
	for in, want := range map[string]args{
		`{"name":"x"}`: base,
		`{"name":"x","limit":null,"order":null,"all":null,"tags":null,"kinds":null}`: base,
		`"{\"name\":\"x\"}"`:                                     base,
		`{"name":"x","limit":7}`:                                 with(func(a *args) { a.Limit = 7 }),
		`{"name":"x","limit":"7"}`:                               with(func(a *args) { a.Limit = 7 }),
		`{"name":"x","limit":" 7 "}`:                             with(func(a *args) { a.Limit = 7 }),
		`{"name":"x","limit":7.0}`:                               with(func(a *args) { a.Limit = 7 }),
		`{"name":"x","limit":1e2}`:                               with(func(a *args) { a.Limit = 100 }),
		`{"name":"x","order":"DESC"}`:                            with(func(a *args) { a.Order = "desc" }),
		`{"name":"x","all":true}`:                                with(func(a *args) { a.All = true }),
		`{"name":"x","all":"true"}`:                              with(func(a *args) { a.All = true }),
		`{"name":"x","all":"False"}`:                             base,
		`{"name":"x","tags":["p","q r"]}`:                        with(func(a *args) { a.Tags = []string{"p", "q r"} }),
		`{"name":"x","tags":"p, q"}`:                             with(func(a *args) { a.Tags = []string{"p", "q"} }),
		`{"name":"x","tags":"p"}`:                                with(func(a *args) { a.Tags = []string{"p"} }),
		`{"name":"x","tags":"[\"p\"]"}`:                          with(func(a *args) { a.Tags = []string{"p"} }),
		`{"name":"x","tags":"*"}`:                                with(func(a *args) { a.Tags = []string{"*"} }),
		`{"name":"x","tags":[]}`:                                 with(func(a *args) { a.Tags = []string{} }),
		`{"name":"x","tags":"null","limit":"null","all":"null"}`: base,
		`{"name":"x","tags":"[p, 'q']"}`:                         with(func(a *args) { a.Tags = []string{"p", "q"} }),
		`{"name":"x","tags":["p,q","r"]}`:                        with(func(a *args) { a.Tags = []string{"p", "q", "r"} }),
		`{"name":"x","tags":""}`:                                 with(func(a *args) { a.Tags = []string{} }),
		`{"name":"x","kinds":"A,b"}`:                             with(func(a *args) { a.Kinds = []string{"a", "b"} }),
		`{"name":"x","kinds":["B"]}`:                             with(func(a *args) { a.Kinds = []string{"b"} }),
		`{"name":"x\u0000\ud800<&>"}`:                            with(func(a *args) { a.Name = "x\x00\ufffd<&>" }),
		`{"name":"12345678901234567890"}`:                        with(func(a *args) { a.Name = "12345678901234567890" }),
		`{"name":"true"}`:                                        with(func(a *args) { a.Name = "true" }),
	} {
		got, err := input.Decode(in)
		g, _ := json.Marshal(got)
		w, _ := json.Marshal(want)
		if err != nil || string(g) != string(w) {
			t.Errorf("%s: %s, %v, want %s", in, g, err, w)
		}
	}
}

func TestFaults(t *testing.T) {
	const names = "name, limit, order, all, tags, kinds"
	for in, want := range map[string]string{
		``:                                 `name: missing, wants a string`,
		`null`:                             `name: missing, wants a string`,
		`{"name":null}`:                    `name: missing, wants a string`,
		`[]`:                               `arguments: got [], wants an object with ` + names,
		`"x"`:                              `arguments: got "x", wants an object with ` + names,
		`"null"`:                           `arguments: got "null", wants an object with ` + names,
		`{"name":5}`:                       `name: got 5, wants a string`,
		`{"name":["x"]}`:                   `name: got ["x"], wants a string`,
		`{"name":"x","limit":0}`:           `limit: got 0, wants an integer from 1 to 100`,
		`{"name":"x","limit":"101"}`:       `limit: got "101", wants an integer from 1 to 100`,
		`{"name":"x","limit":1.5}`:         `limit: got 1.5, wants an integer from 1 to 100`,
		`{"name":"x","limit":"many"}`:      `limit: got "many", wants an integer from 1 to 100`,
		`{"name":"x","limit":"7 8"}`:       `limit: got "7 8", wants an integer from 1 to 100`,
		`{"name":"x","limit":1e999999999}`: `limit: got 1e999999999, wants an integer from 1 to 100`,
		`{"name":"x","limit":99999999999999999999}`: `limit: got 99999999999999999999, wants an integer from 1 to 100`,
		`{"name":"x","order":"sideways"}`:           `order: got "sideways", wants one of "asc", "desc"`,
		`{"name":"x","all":1}`:                      `all: got 1, wants true or false`,
		`{"name":"x","all":"yes"}`:                  `all: got "yes", wants true or false`,
		`{"name":"x","tags":[1]}`:                   `tags[0]: got 1, wants a string`,
		`{"name":"x","tags":{"a":1}}`:               `tags: got {"a":1}, wants an array of strings`,
		`{"name":"x","kinds":["a","z"]}`:            `kinds[1]: got "z", wants one of "a", "b"`,
		`{"name":"x","kinds":["z","a","y"]}`:        "kinds[0]: got \"z\", wants one of \"a\", \"b\"\nkinds[2]: got \"y\", wants one of \"a\", \"b\"",
		`{"name":"x","kinds":"a, z"}`:               `kinds[1]: got "z", wants one of "a", "b"`,
		`{"name":"x","kinds":7}`:                    `kinds: got 7, wants an array with any of "a", "b"`,
		`{"name":"x","Limit":7}`:                    `Limit: unknown argument, did you mean limit? this tool takes ` + names,
		`{"name":"x","oder":"asc"}`:                 `oder: unknown argument, did you mean order? this tool takes ` + names,
		`{"name":"x","xyzzy":1e999999999}`:          `xyzzy: unknown argument, did you mean name? this tool takes ` + names,
		`{"limit":0,"order":1,"zzz":1}`: "zzz: unknown argument, did you mean name? this tool takes " + names + "\n" +
			"name: missing, wants a string\nlimit: got 0, wants an integer from 1 to 100\norder: got 1, wants one of \"asc\", \"desc\"",
	} {
		begin := time.Now()
		_, err := input.Decode(in)
		if _, ok := err.(schema.Faults); !ok || err.Error() != want {
			t.Errorf("%s:\n got %v\nwant %s", in, err, want)
		}
		if time.Since(begin) > 10*time.Second {
			t.Errorf("%s took %s", in, time.Since(begin))
		}
	}
}

func TestDeepTextsAreNoTrouble(t *testing.T) {
	deep := strings.Repeat("[", 1<<21)
	for _, in := range []string{`"` + deep + `"`, `{"name":"x","tags":"` + deep + `"}`, `{"name":"x","limit":"` + deep + `"}`} {
		if _, err := input.Decode(in); err == nil || !strings.Contains(err.Error(), "at most 65536 are allowed") {
			t.Errorf("%.100v", err)
		}
	}
}

func TestFaultsAreShort(t *testing.T) {
	many := `{"name":"` + strings.Repeat("x", 5) + `"`
	for i := range 1000 {
		many += `,"` + strings.Repeat("u", 200) + string(rune('a'+i%26)) + strings.Repeat("v", i) + `":1`
	}
	_, err := input.Decode(many + "}")
	if err == nil || len(err.Error()) > 20*300 {
		t.Errorf("%d bytes", len(err.Error()))
	}
	_, err = input.Decode(`{"name":[` + strings.Repeat("1,", 5000) + `1]}`)
	if err == nil || len(err.Error()) > 200 {
		t.Error(err)
	}
}

// Arguments are taken or refused in words; what is taken keeps to the schema,
// and is taken again as it is.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{
		`{"name":"x"}`, `{"name":"x","limit":"7","order":"DESC","all":"true","tags":"[\"a\"]","kinds":"a,b"}`, `{"name":null}`, `"{\"name\":\"x\"}"`, `[]`, `{"nme":1}`,
		`{"name":"x","limit":1.5}`, `{"name":"x","limit":1e999999999}`, `{"name":"x","limit":-0.0}`, `{"name":"x","tags":[["y"]]}`, `{"name":"x","tags":"[a"}`, `{"name":"x","kinds":[null]}`, `{"name":"x","limit":"1e1"}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		if !json.Valid(in) || !utf8.Valid(in) {
			return // a transport passes on no such thing
		}
		got, err := input.Decode(string(in))
		if err != nil {
			faults, ok := err.(schema.Faults)
			if !ok || len(faults) == 0 {
				t.Fatalf("%q: %v", in, err)
			}
			for _, line := range faults {
				if !strings.Contains(line, ": ") || len([]rune(line)) > 400 {
					t.Errorf("%q: %q", in, line)
				}
			}
			return
		}
		if got.Limit < 1 || got.Limit > 100 || got.Order != "asc" && got.Order != "desc" {
			t.Errorf("%q: took %+v", in, got)
		}
		var given map[string]any
		if json.Unmarshal(in, &given) == nil {
			if n, ok := given["limit"].(float64); ok && float64(got.Limit) != n {
				t.Errorf("%q: took limit %d", in, got.Limit)
			}
		}
		for _, kind := range got.Kinds {
			if kind != "a" && kind != "b" {
				t.Errorf("%q: took %+v", in, got)
			}
		}
		for _, tag := range got.Tags {
			if strings.Contains(tag, ",") || tag == "" {
				t.Errorf("%q: took %+v", in, got)
			}
		}
		once, _ := json.Marshal(got)
		again, err := input.Decode(string(once))
		if twice, _ := json.Marshal(again); err != nil || string(once) != string(twice) {
			t.Errorf("%q: first %s, then %s, %v", in, once, twice, err)
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	for name, in := range map[string]string{
		"as-it-should-be": `{"name":"thread_abc123","limit":20,"order":"desc","tags":["status","usage"]}`,
		"as-texts":        `{"name":"thread_abc123","limit":"20","order":"DESC","tags":"status,usage"}`,
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := input.Decode(in); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
