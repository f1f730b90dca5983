package schema_test

import (
	"encoding/json"
	"fmt"
	"reflect"
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
	Kinds []string `json:"kinds,omitempty" jsonschema:"enum=in_stock,enum=cancelled" jsonschema_description:"Some of two"`
	After string   `json:"after,omitempty" jsonschema_description:"Which one"`
}

var input = schema.For(args{Limit: 20, Order: "asc"})

func TestInputSchema(t *testing.T) {
	const want = `{"properties":{"name":{"type":"string","description":"A name, with a comma"},` +
		`"limit":{"type":"integer","description":"How many (1-100)"},` +
		`"order":{"type":"string","enum":["asc","desc"],"description":"Which way"},` +
		`"all":{"type":"boolean","description":"Every one"},` +
		`"tags":{"items":{"type":"string"},"type":"array","description":"Some"},` +
		`"kinds":{"items":{"type":"string","enum":["in_stock","cancelled"]},"type":"array","description":"Some of two"},` +
		`"after":{"type":"string","description":"Which one"}},` +
		`"additionalProperties":false,"type":"object","required":["name"]}`
	if got := string(input.JSON()); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

func TestOpenSchemaNamesNoMoreThanTheStruct(t *testing.T) {
	type result struct {
		ID   string           `json:"id"`
		Data []map[string]any `json:"data"`
		Note string           `json:"note,omitempty"`
	}
	const want = `{"properties":{"id":{"type":"string"},"data":{"items":{"type":"object"},"type":"array"},"note":{"type":"string"}},"type":"object","required":["id","data"]}`
	if got := string(schema.Open[result]()); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

func TestDecodeAcceptsWhatCanMeanOneThingOnly(t *testing.T) {
	base := args{shared: shared{"x"}, Limit: 20, Order: "asc"}
	with := func(change func(*args)) args {
		a := base
		change(&a)
		return a
	}
	limit7 := with(func(a *args) { a.Limit = 7 })
	desc := with(func(a *args) { a.Order = "desc" })
	all := with(func(a *args) { a.All = true })
	tags := func(tags ...string) args { return with(func(a *args) { a.Tags = tags }) }
	kinds := func(kinds ...string) args { return with(func(a *args) { a.Kinds = kinds }) }
	after := func(after string) args { return with(func(a *args) { a.After = after }) }
	named := func(name string) args { return with(func(a *args) { a.Name = name }) }
	for in, want := range map[string]args{
		`{"name":"x"}`:          base,
		`"{\"name\":\"x\"}"`:    base,
		`" {\"name\":\"x\"}\n"`: base,

		// Absent.
		`{"name":"x","limit":null,"order":null,"all":null,"tags":null,"kinds":null,"after":null}`:     base,
		`{"name":"x","limit":"","order":"","all":"","tags":"","kinds":"","after":""}`:                 base,
		`{"name":"x","limit":" ","order":" ","all":" ","tags":" ","kinds":" ","after":" "}`:           base,
		`{"name":"x","limit":"null","order":"null","all":"Null","tags":"null","kinds":"null"}`:        base,
		`{"name":"x","toolCallId":"c","sessionId":7,"action":null,"chatInput":"hi","tool":{"a":[1]}}`: base,
		`{"name":"x","wait_for_previous":false}`:                                                      base,

		// Integers.
		`{"name":"x","limit":7}`:           limit7,
		`{"name":"x","limit":"7"}`:         limit7,
		`{"name":"x","limit":" 7 "}`:       limit7,
		`{"name":"x","limit":7.0}`:         limit7,
		`{"name":"x","limit":1,"limit":7}`: limit7,
		`{"name":"x","limit":1}`:           with(func(a *args) { a.Limit = 1 }),
		`{"name":"x","limit":1e2}`:         with(func(a *args) { a.Limit = 100 }),
		`{"name":"x","limit":"1e1"}`:       with(func(a *args) { a.Limit = 10 }),

		// Booleans.
		`{"name":"x","all":true}`:    all,
		`{"name":"x","all":"true"}`:  all,
		`{"name":"x","all":"False"}`: base,

		// Values of enums.
		`{"name":"x","order":"DESC"}`:                  desc,
		`{"name":"x","order":" desc\n"}`:               desc,
		`{"name":"x","kinds":["in_stock"]}`:            kinds("in_stock"),
		`{"name":"x","kinds":"IN_STOCK,cancelled"}`:    kinds("in_stock", "cancelled"),
		`{"name":"x","kinds":["In Stock","canceled"]}`: kinds("in_stock", "cancelled"),
		`{"name":"x","kinds":["in-stock","CANCELED"]}`: kinds("in_stock", "cancelled"),
		`{"name":"x","kinds":"[\"inStock\"]"}`:         kinds("in_stock"),

		// Arrays.
		`{"name":"x","tags":["p","q r"]}`:    tags("p", "q r"),
		`{"name":"x","tags":"p, q"}`:         tags("p", "q"),
		`{"name":"x","tags":"p"}`:            tags("p"),
		`{"name":"x","tags":"[\"p\"]"}`:      tags("p"),
		`{"name":"x","tags":"\"p\""}`:        tags("p"),
		`{"name":"x","tags":"*"}`:            tags("*"),
		`{"name":"x","tags":"5"}`:            tags("5"),
		`{"name":"x","tags":[]}`:             tags([]string{}...),
		`{"name":"x","tags":"[]"}`:           tags([]string{}...),
		`{"name":"x","tags":"[p,q]"}`:        tags("p", "q"),
		`{"name":"x","tags":"[p, 'q']"}`:     tags("p", "q"),
		`{"name":"x","tags":"[p"}`:           tags("[p"),
		`{"name":"x","tags":"p]"}`:           tags("p]"),
		`{"name":"x","tags":["p,q","","r"]}`: tags("p", "q", "r"),

		// Strings.
		`{"name":"x\u0000\ud800<&>"}`:                named("x\x00\ufffd<&>"),
		`{"name":" X x "}`:                           named(" X x "),
		`{"name":"null"}`:                            named("null"),
		`{"name":"true"}`:                            named("true"),
		`{"name":""}`:                                named(""),
		`{"name":2003886907}`:                        named("2003886907"),
		`{"name":12345678901234567890}`:              named("12345678901234567890"),
		`{"name":"x","after":0}`:                     after("0"),
		`{"name":"x","after":"null"}`:                after("null"),
		`{"name":"` + strings.Repeat("[", 17) + `"}`: named(strings.Repeat("[", 17)),
	} {
		got, err := input.Decode(in)
		g, _ := json.Marshal(got)
		w, _ := json.Marshal(want)
		if err != nil || string(g) != string(w) {
			t.Errorf("%s: %s, %v, want %s", in, g, err, w)
		}
	}
}

func TestFaultsSayWhatWasGivenAndWhatIsAllowed(t *testing.T) {
	const (
		names   = "name, limit, order, all, tags, kinds, after"
		missing = `name: missing, wants a string`
		kinds   = `"in_stock", "cancelled"`
	)
	for in, want := range map[string]string{
		``:                                 missing,
		`null`:                             missing,
		`[]`:                               missing,
		`[ ]`:                              missing,
		`""`:                               missing,
		`"null"`:                           missing,
		`"[]"`:                             missing,
		`{"name":null}`:                    missing,
		`[1]`:                              `arguments: got [1], wants an object with ` + names,
		`[[]]`:                             `arguments: got [[]], wants an object with ` + names,
		`7`:                                `arguments: got 7, wants an object with ` + names,
		`"x"`:                              `arguments: got "x", wants an object with ` + names,
		`"{\"name\":"`:                     `arguments: got "{\"name\":", wants an object with ` + names,
		`{"name":1e3}`:                     `name: got 1e3, wants a string`,
		`{"name":1.5}`:                     `name: got 1.5, wants a string`,
		`{"name":-5}`:                      `name: got -5, wants a string`,
		`{"name":true}`:                    `name: got true, wants a string`,
		`{"name":["x"]}`:                   `name: got ["x"], wants a string`,
		`{"name":"x","limit":0}`:           `limit: got 0, wants an integer from 1 to 100`,
		`{"name":"x","limit":"101"}`:       `limit: got "101", wants an integer from 1 to 100`,
		`{"name":"x","limit":1.5}`:         `limit: got 1.5, wants an integer from 1 to 100`,
		`{"name":"x","limit":true}`:        `limit: got true, wants an integer from 1 to 100`,
		`{"name":"x","limit":"many"}`:      `limit: got "many", wants an integer from 1 to 100`,
		`{"name":"x","limit":"7 8"}`:       `limit: got "7 8", wants an integer from 1 to 100`,
		`{"name":"x","limit":1e999999999}`: `limit: got 1e999999999, wants an integer from 1 to 100`,
		`{"name":"x","limit":99999999999999999999}`:    `limit: got 99999999999999999999, wants an integer from 1 to 100`,
		`{"name":"x","order":"sideways"}`:              `order: got "sideways", wants one of "asc", "desc"`,
		`{"name":"x","order":1}`:                       `order: got 1, wants one of "asc", "desc"`,
		`{"name":"x","all":1}`:                         `all: got 1, wants true or false`,
		`{"name":"x","all":"1"}`:                       `all: got "1", wants true or false`,
		`{"name":"x","all":"yes"}`:                     `all: got "yes", wants true or false`,
		`{"name":"x","tags":[1]}`:                      `tags[0]: got 1, wants a string`,
		`{"name":"x","tags":["p",[["q","r"],1.5],{}]}`: "tags[1]: got [[\"q\",\"r\"],1.5], wants a string\ntags[2]: got {}, wants a string",
		`{"name":"x","tags":{"a":1}}`:                  `tags: got {"a":1}, wants an array of strings`,
		`{"name":"x","kinds":["cancelled","z"]}`:       `kinds[1]: got "z", wants one of ` + kinds,
		`{"name":"x","kinds":["z","cancelled",7]}`:     `kinds[0]: got "z", wants one of ` + kinds + "\nkinds[2]: got 7, wants one of " + kinds,
		`{"name":"x","kinds":"cancelled, z"}`:          `kinds[1]: got "z", wants one of ` + kinds,
		`{"name":"x","kinds":7}`:                       `kinds: got 7, wants an array with any of ` + kinds,
		`{"name":"x","ToolCallId":"c"}`:                `ToolCallId: unknown argument; this tool takes ` + names,
		`{"limit":0,"order":1,"zzz":1}`: "zzz: unknown argument; this tool takes " + names + "\n" +
			missing + "\nlimit: got 0, wants an integer from 1 to 100\norder: got 1, wants one of \"asc\", \"desc\"",
	} {
		got, err := input.Decode(in)
		if _, ok := err.(schema.Faults); !ok || err.Error() != want {
			t.Errorf("%s:\n got %v\nwant %s", in, err, want)
		}
		if !reflect.DeepEqual(got, args{Limit: 20, Order: "asc"}) {
			t.Errorf("%s: the faults come with the values %+v", in, got)
		}
	}
}

func TestUnknownArgumentsSuggestOnlyWhatIsNear(t *testing.T) {
	for name, want := range map[string]string{
		"Limit": "limit", "limits": "limit", "LIMT": "limit", "xlimit": "limit", "oder": "order", "orderBy": "order", "after_id": "after", "kinds-": "kinds", "tag": "tags", "nmae": "",
		"toolcall": "", "call": "", "it": "", "xyzzy": "", "maximum": "", "cursor": "", "": "", "\U0001F600": "",
	} {
		_, err := input.Decode(`{"name":"x","` + name + `":1e999999999}`)
		hint := ""
		if want != "" {
			hint = " (did you mean " + want + "?)"
		}
		if want := name + ": unknown argument" + hint + "; this tool takes name, limit, order, all, tags, kinds, after"; err == nil || err.Error() != want {
			t.Errorf("%q:\n got %v\nwant %s", name, err, want)
		}
	}
}

func TestTheNearestOfSeveralArgumentsIsSuggested(t *testing.T) {
	type similar struct {
		Items   string `json:"first_items,omitempty" jsonschema_description:"a"`
		Item    string `json:"first_item,omitempty" jsonschema_description:"b"`
		Itemize string `json:"first_itemize,omitempty" jsonschema_description:"c"`
	}
	for name, want := range map[string]string{"firstItem": "first_item", "firstItems": "first_items", "first_itemized": "first_itemize", "fist_item": "first_item"} {
		_, err := schema.For(similar{}).Decode(`{"` + name + `":"x"}`)
		if err == nil || !strings.Contains(err.Error(), "(did you mean "+want+"?)") {
			t.Errorf("%s: got %v, want the hint %s", name, err, want)
		}
	}
}

func TestArgumentsNestedTooDeepAreRefused(t *testing.T) {
	nested := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	const deep = ", which is nested over 16 deep; wants an "
	for in, want := range map[string]string{
		`{"name":"x","tags":` + nested(15) + `}`:                           `tags[0]: got ` + nested(14) + `, wants a string`,
		`{"name":"x","tags":` + nested(16) + `}`:                           `arguments: got {"name":"x","tags":` + nested(16) + `}` + deep + `object with name, limit, order, all, tags, kinds, after`,
		`{"name":"x","tags":"` + nested(16) + `"}`:                         `tags[0]: got ` + nested(15) + `, wants a string`,
		`{"name":"x","tags":"` + nested(17) + `"}`:                         `tags: got "` + nested(17) + `"` + deep + `array of strings`,
		`{"name":"x","limit":"` + nested(17) + `"}`:                        `limit: got "` + nested(17) + `"` + deep + `integer from 1 to 100`,
		`"` + nested(17) + `"`:                                             `arguments: got "` + nested(17) + `"` + deep + `object with name, limit, order, all, tags, kinds, after`,
		`{"name":"x","tags":["` + strings.Repeat(`\"[{`, 40) + `"],"q":1}`: `q: unknown argument; this tool takes name, limit, order, all, tags, kinds, after`,
		`{"name":"x","q":[` + strings.Repeat(`[],{},`, 20) + `[]]}`:        `q: unknown argument; this tool takes name, limit, order, all, tags, kinds, after`,
	} {
		if _, err := input.Decode(in); err == nil || err.Error() != want {
			t.Errorf("%s:\n got %v\nwant %s", in, err, want)
		}
	}
}

// The bound is for a slow machine; what grows with the square of the length
// takes a second and more.
func TestArgumentsCostInProportionToTheirLength(t *testing.T) {
	const size = 64000
	repeated := func(s string) string { return strings.Repeat(s, size/len(s)) }
	var unknown strings.Builder
	for i := range size / 10 {
		fmt.Fprintf(&unknown, `,"u%d":1`, i)
	}
	for name, in := range map[string]string{
		"brackets":            `{"name":"x","tags":"` + strings.Repeat("[", size/2) + strings.Repeat("]", size/2) + `"}`,
		"open brackets":       `{"name":"x","tags":"` + repeated("[") + `"}`,
		"an array of arrays":  `{"name":"x","tags":[` + repeated("[[[[[[[[[[[[[]]]]]]]]]]]]],") + `1]}`,
		"nested objects":      `{"name":"x","tags":` + strings.Repeat(`{"":`, size/5) + `1` + strings.Repeat(`}`, size/5) + `}`,
		"an object as a text": `"` + repeated(`{\"a\":`) + `"`,
		"many items":          `{"name":"x","tags":[` + repeated(`"p",`) + `"p"]}`,
		"many wrong items":    `{"name":"x","kinds":"` + repeated("p,") + `"}`,
		"many spellings":      `{"name":"x","kinds":"` + repeated("In Stock,") + `"}`,
		"many unknown":        `{"name":"x"` + unknown.String() + `}`,
		"a long unknown":      `{"name":"x","` + repeated("order") + `":1}`,
		"a long value":        `{"name":"x","order":"` + repeated("asc") + `"}`,
		"a long number":       `{"name":"x","limit":` + repeated("9") + `}`,
	} {
		if len(in) > 64<<10 {
			t.Fatalf("%s: %d bytes are refused for their length alone", name, len(in))
		}
		least := time.Hour
		for range 3 {
			begin := time.Now()
			input.Decode(in)
			least = min(least, time.Since(begin))
		}
		if least > 250*time.Millisecond {
			t.Errorf("%s: %d bytes take %s", name, len(in), least)
		}
	}
}

func TestArgumentsOver64KBAreRefused(t *testing.T) {
	in := `{"name":"` + strings.Repeat("x", 65536-11) + `"}`
	if _, err := input.Decode(in); err != nil {
		t.Errorf("%d bytes: %v", len(in), err)
	}
	if _, err := input.Decode(in + " "); err == nil || err.Error() != "arguments: got 65537 bytes, at most 65536 are allowed" {
		t.Errorf("%d bytes: %.200v", len(in)+1, err)
	}
}

func TestFaultsAreShort(t *testing.T) {
	long := strings.Repeat("é", 200)
	cut := strings.Repeat("é", 99) + "…"
	const takes = "; this tool takes name, limit, order, all, tags, kinds, after"
	for in, want := range map[string]string{
		`{"name":"x","` + long + `":1}`:                cut + ": unknown argument" + takes,
		`{"name":"x","` + long[:200] + `":1}`:          long[:200] + ": unknown argument" + takes,
		`{"name":"x","` + long[:202] + `":1}`:          cut + ": unknown argument" + takes,
		`{"name":"x","a\u0000b\nc\u0085d\u2028e f":1}`: "a b c d e f: unknown argument" + takes,
		`{"name":"x","order":"` + long + `"}`:          `order: got "` + cut[:2*98] + `…, wants one of "asc", "desc"`,
		`{"name":"x","kinds":["` + long + `"]}`:        `kinds[0]: got "` + cut[:2*98] + `…, wants one of "in_stock", "cancelled"`,
	} {
		if _, err := input.Decode(in); err == nil || err.Error() != want {
			t.Errorf("%s:\n got %v\nwant %s", in, err, want)
		}
	}
	var unknown, wrong strings.Builder
	for i := range 100 {
		fmt.Fprintf(&unknown, `"u%d":1,`, i)
		fmt.Fprintf(&wrong, `%d,`, i)
	}
	_, err := input.Decode(`{` + unknown.String() + `"name":"x","tags":[` + wrong.String() + `1]}`)
	if got := strings.Split(err.Error(), "\n"); len(got) != 30 || !strings.HasPrefix(got[19], "u19: ") || !strings.HasPrefix(got[29], "tags[9]: ") {
		t.Errorf("%d lines, want those of 20 unknown arguments and 10 items:\n%v", len(got), err)
	}
}

func TestFoldIsTheSameForSpellingsOfOneName(t *testing.T) {
	for _, name := range []string{"cancelled_at", "cancelledAt", "Canceled-At", "CANCELLED AT", "canceledat", "\tcancelled__at\n"} {
		if got := schema.Fold(name); got != "canceledat" {
			t.Errorf("%q: got %q, want canceledat", name, got)
		}
	}
}

// Arguments are taken or refused in words; what is taken keeps to the schema,
// and is taken again as it is.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{
		`{"name":"x"}`, `{"name":"x","limit":"7","order":"DESC","all":"true","tags":"[\"a\"]","kinds":"inStock,canceled"}`, `{"name":null}`, `"{\"name\":\"x\"}"`, `[]`, `{"nme":1}`,
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
			if kind != "in_stock" && kind != "cancelled" {
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
