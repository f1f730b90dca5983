package runsapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// drifting is a server of the list endpoint that ignores parts of the query.
type drifting struct {
	runs                                int // with the ids r000, r001, …, one a second
	noAfter, noBefore, noOrder, noLimit bool
	hasMore                             func(more bool) string // a member of the list, "" for none
}

func (d drifting) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	var ids []string
	for i := range d.runs {
		ids = append(ids, runID(i))
	}
	if q.Get("order") == "desc" && !d.noOrder {
		slices.Reverse(ids)
	}
	for _, cursor := range []string{q.Get("after"), q.Get("before")} {
		if cursor != "" && !slices.Contains(ids, cursor) {
			status(404, `{"error":{"message":"No run found with id '`+cursor+`'."}}`)(w, r)
			return
		}
	}
	if i := slices.Index(ids, q.Get("before")); i >= 0 && !d.noBefore {
		ids = ids[:i]
	}
	if i := slices.Index(ids, q.Get("after")); i >= 0 && !d.noAfter {
		ids = ids[i+1:]
	}
	more := false
	if limit, err := strconv.Atoi(q.Get("limit")); err == nil && !d.noLimit && len(ids) > limit {
		ids, more = ids[:limit], true
	}
	var data []string
	for _, id := range ids {
		n, _ := strconv.Atoi(id[1:])
		data = append(data, fmt.Sprintf(`{"id":%q,"status":"completed","created_at":%d}`, id, 1700000000+n))
	}
	list := `{"object":"list","data":[` + strings.Join(data, ",") + `]`
	if m := d.hasMore(more); m != "" {
		list += "," + m
	}
	answers(list+"}")(w, r)
}

func runID(i int) string { return fmt.Sprintf("r%03d", i) }

func ids(runs []Run) (list []string) {
	for _, r := range runs {
		list = append(list, r.ID)
	}
	return list
}

// What servers make of has_more.
var hasMores = map[string]func(bool) string{
	"boolean": func(more bool) string { return fmt.Sprintf(`"has_more":%t`, more) },
	"string":  func(more bool) string { return fmt.Sprintf(`"has_more":"%t"`, more) },
	"number":  func(more bool) string { return `"has_more":` + map[bool]string{true: "1", false: "0"}[more] },
	"camel":   func(more bool) string { return fmt.Sprintf(`"hasMore":%t`, more) },
	"null":    func(bool) string { return `"has_more":null` },
	"absent":  func(bool) string { return "" },
}

// every calls f for each kind of server, with some numbers of runs.
func every(f func(name string, d drifting)) {
	for form, hasMore := range hasMores {
		for _, runs := range []int{0, 1, 3, 99, 100, 101, 250} {
			for bits := range 16 {
				d := drifting{runs: runs, noAfter: bits&1 != 0, noBefore: bits&2 != 0, noOrder: bits&4 != 0, noLimit: bits&8 != 0, hasMore: hasMore}
				f(fmt.Sprintf("%d runs, has_more %s, ignores after %t before %t order %t limit %t", runs, form, d.noAfter, d.noBefore, d.noOrder, d.noLimit), d)
			}
		}
	}
}

// Paging reads the true list, or says which argument the server ignores.
func TestPagesAreTrueOnEveryKindOfServer(t *testing.T) {
	read := func(d drifting, p ListParams) (got []string, err error) {
		for page, err := range dial(t, d.ServeHTTP).Pages(t.Context(), "t", p, false) {
			if err != nil {
				return got, err
			}
			if got = append(got, ids(page.Data)...); len(got) > 2*d.runs {
				t.Fatal("endless")
			}
		}
		return got, nil
	}
	mended := 0
	every(func(name string, d drifting) {
		for _, order := range []string{"asc", "desc"} {
			var want []string
			for i := range d.runs {
				want = append(want, runID(i))
			}
			if order == "desc" {
				slices.Reverse(want)
			}
			before := ""
			if d.runs > 2 {
				before = want[len(want)-2]
			}
			for _, p := range []ListParams{{Limit: 100, Order: order}, {Limit: 100, Order: order, Before: before}} {
				want := want
				if p.Before != "" {
					want = want[:len(want)-2]
				}
				got, err := read(d, p)
				var ignored *IgnoredError
				switch {
				case errors.As(err, &ignored):
					if !d.noAfter && !d.noOrder {
						t.Errorf("%s, %+v: %v", name, p, err)
					}
				case err != nil || !slices.Equal(got, want):
					t.Errorf("%s, %+v: got %d runs %.60q, want %d %.60q, %v", name, p, len(got), got, len(want), want, err)
				case d.noAfter || d.noBefore || d.noOrder || d.noLimit:
					mended++
				}
			}
		}
	})
	if mended < 100 {
		t.Errorf("only %d lists were mended", mended)
	}
}

// A page holds at most limit runs, the true ones, and tells the truth of itself,
// or an error says which argument the server ignores.
func TestOnePageIsTrueOnEveryKindOfServer(t *testing.T) {
	every(func(name string, d drifting) {
		if d.runs < 3 {
			return
		}
		for _, order := range []string{"asc", "desc"} {
			var all []string
			for i := range d.runs {
				all = append(all, runID(i))
			}
			if order == "desc" {
				slices.Reverse(all)
			}
			for _, after := range []string{"", all[0], all[len(all)-1]} {
				p := ListParams{Limit: 2, Order: order, After: after}
				want := all[slices.Index(all, after)+1:]
				wantMore := len(want) > 2
				want = want[:min(len(want), 2)]
				page, err := dial(t, d.ServeHTTP).ListRuns(t.Context(), "t", p)
				if ignored := (*IgnoredError)(nil); errors.As(err, &ignored) {
					if !d.noAfter && !d.noOrder {
						t.Errorf("%s, %+v: %v", name, p, err)
					}
					continue
				}
				if d.noAfter && !d.noLimit || d.noOrder && !d.noAfter && after != "" {
					continue // that the server ignores it cannot be seen in two runs
				}
				if err != nil || !slices.Equal(ids(page.Data), want) {
					t.Errorf("%s, %+v: got %q, want %q, %v", name, p, ids(page.Data), want, err)
					continue
				}
				var list struct {
					Data    []struct{ ID string }
					HasMore any `json:"has_more"`
				}
				if err := json.Unmarshal([]byte(joined(page)), &list); err != nil || len(list.Data) != len(want) {
					t.Errorf("%s, %+v: %s, %v", name, p, joined(page), err)
				}
				if said, ok := list.HasMore.(bool); ok && said != wantMore {
					t.Errorf("%s, %+v: has_more is %t", name, p, said)
				}
			}
		}
	})
}

func TestRunsOfOtherThreadsAreLeftOutWhereAPageMixesThem(t *testing.T) {
	run := func(id, thread string) string {
		return fmt.Sprintf(`{"id":%q,"status":"s","thread_id":%q}`, id, thread)
	}
	for _, tc := range []struct {
		data []string
		want string
	}{
		{[]string{run("a", "t"), run("b", "other"), `{"id":"c","status":"s"}`}, "a c"},
		{[]string{run("a", "x"), run("b", "y")}, ""},
		{[]string{run("a", "T"), `{"id":"c","status":"s"}`}, "a c"},
		{[]string{run("a", "T"), run("b", "T")}, "a b"}, // another way to write the thread's id
	} {
		page, err := dial(t, answers(`{"data":[`+strings.Join(tc.data, ",")+`],"has_more":false}`)).ListRuns(t.Context(), "t", ListParams{})
		if got := strings.Join(ids(page.Data), " "); err != nil || got != tc.want {
			t.Errorf("%s: got %s, want %s, %v", tc.data, got, tc.want, err)
		}
	}
}

func TestAListThatIsMendedKeepsTheRestOfItsEnvelope(t *testing.T) {
	run := func(id string, created int) string {
		return fmt.Sprintf(`{"id":%q,"status":"s","created_at":%d}`, id, created)
	}
	for body, want := range map[string]string{
		`{"object":"list","x":1.0,"data":[` + run("a", 1) + `,` + run("b", 2) + `,` + run("c", 3) + `]}`:                  `{"object":"list","x":1.0,"last_id":"b","has_more":true,"data":[` + run("c", 3) + `,` + run("b", 2) + `]}`,
		`{"data":[` + run("a", 1) + `,` + run("b", 1) + `,` + run("c", 2) + `],"first_id":"a","last_id":"c","hasMore":0}`: `{"first_id":"c","last_id":"b","has_more":true,"data":[` + run("c", 2) + `,` + run("b", 1) + `]}`,
		`{"data":null,"first_id":null,"has_more":false}`:                                                                  `{"first_id":null,"has_more":false,"data":[]}`,
		`{"data":[` + run("b", 2) + `,` + run("a", 1) + `],"first_id":"?","has_more":"no"}`:                               `{"data":[` + run("b", 2) + `,` + run("a", 1) + `],"first_id":"?","has_more":"no"}`,
		`{"data":[` + run("b", 2) + `,{"id":"?","status":"s"},` + run("c", 3) + `],"has_more":true}`:                      `{"last_id":"?","has_more":true,"data":[` + run("b", 2) + `,{"id":"?","status":"s"}]}`,
		`{"data":[` + run("a", 1) + `,` + run("b", 2) + `],"first_id":"a","last_id":"b","has_more":false}`:                `{"first_id":"b","last_id":"a","has_more":false,"data":[` + run("b", 2) + `,` + run("a", 1) + `]}`,
		`{"data":[{"id":"a","thread_id":"x"},{"id":"b","thread_id":"y"}],"first_id":"a","last_id":"b","has_more":true}`:   `{"first_id":null,"last_id":"b","has_more":true,"data":[]}`, // all are of other threads
		`{"data":[{"id":"a","thread_id":"x"},{"id":"b","thread_id":"y"}],"first_id":"a","last_id":"b","has_more":false}`:  `{"first_id":null,"last_id":null,"has_more":false,"data":[]}`,
	} {
		page, err := dial(t, answers(body)).ListRuns(t.Context(), "t", ListParams{Limit: 2, Order: "desc"})
		if got := joined(page); err != nil || got != want {
			t.Errorf("%s:\n got %s\nwant %s\n%v", body, got, want, err)
		}
	}
}

// Given before alone, the first page is asked for without it: some servers would
// begin with the page that ends at the cursor.
func TestPagesBeforeACursor(t *testing.T) {
	for _, tc := range []struct {
		before, want string
		asked        []string
		err          bool
	}{
		{"r001", "r000", []string{"limit=2&order=asc"}, false},
		{"r003", "r000 r001 r002", []string{"limit=2&order=asc", "after=r001&before=r003&limit=2&order=asc"}, false},
		{"nowhere", "r000 r001", []string{"limit=2&order=asc", "after=r001&before=nowhere&limit=2&order=asc"}, true},
	} {
		var asked []string
		d := drifting{runs: 5, hasMore: hasMores["boolean"]}
		c := dial(t, func(w http.ResponseWriter, r *http.Request) {
			asked = append(asked, r.URL.RawQuery)
			d.ServeHTTP(w, r)
		})
		var got []string
		var failure error
		for page, err := range c.Pages(t.Context(), "t", ListParams{Limit: 2, Order: "asc", Before: tc.before}, false) {
			got, failure = append(got, ids(page.Data)...), err
		}
		if strings.Join(got, " ") != tc.want || !slices.Equal(asked, tc.asked) || (failure != nil) != tc.err {
			t.Errorf("before %s: got %q, asked %q, %v", tc.before, got, asked, failure)
		}
	}
	c := dial(t, drifting{runs: 2, hasMore: hasMores["boolean"]}.ServeHTTP)
	for page, err := range c.Pages(t.Context(), "t", ListParams{Limit: 100, Order: "asc", Before: "nowhere"}, false) {
		var e *Error
		if !errors.As(err, &e) || e.Status != 404 {
			t.Errorf("a cursor that the whole list does not hold: %q, %v", ids(page.Data), err)
		}
	}
}

// A list of items without number takes bounded memory.
func TestAListOfTooManyItemsIsAnError(t *testing.T) {
	for _, item := range []string{"{}", "1", `{"id":"r","status":"s"}`} {
		body := `{"data":[` + strings.Repeat(item+",", maxItems) + item + `],"has_more":false}`
		before := allocated()
		_, err := direct(t, func(*http.Request) *http.Response { return response(200, []byte(body)) }).ListRuns(t.Context(), "t", ListParams{})
		if !errors.Is(err, ErrTooLarge) {
			t.Errorf("%s: %v", item, err)
		}
		if took := allocated() - before; took > 200<<20 {
			t.Errorf("%s: %d bytes were allocated", item, took)
		}
	}
}

// An empty list with an error in it is the error.
func TestAnEmptyListWithAnErrorIsAnError(t *testing.T) {
	for _, body := range []string{`{"object":"list","error":{"message":"db down"},"data":null}`, `{"data":[],"has_more":false,"error":{"code":429,"message":"db down"}}`} {
		if page, err := dial(t, answers(body)).ListRuns(t.Context(), "t", ListParams{}); !errors.Is(err, ErrInBody) || !strings.Contains(err.Error(), "db down") {
			t.Errorf("%s: %+v, %v", body, page, err)
		}
	}
}

// One run does not show the order of a list: two are asked for.
func TestTheNewestRunOfAServerThatIgnoresOrder(t *testing.T) {
	var asked []string
	d := drifting{runs: 5, noOrder: true, hasMore: hasMores["boolean"]}
	c := dial(t, func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.RawQuery)
		d.ServeHTTP(w, r)
	})
	_, err := c.ListRuns(t.Context(), "t", ListParams{Limit: 1, Order: "desc"})
	if ignored := (*IgnoredError)(nil); !errors.As(err, &ignored) || ignored.Argument != "order" || len(asked) != 1 {
		t.Errorf("%q: %v", asked, err)
	}
	page, err := c.ListRuns(t.Context(), "t", ListParams{Limit: 1, Order: "asc"})
	if got := ids(page.Data); err != nil || !slices.Equal(got, []string{"r000"}) || !page.HasMore() || page.LastID != "r000" {
		t.Errorf("got %q, more %t, the next page is after %q, %v", got, page.HasMore(), page.LastID, err)
	}
}

// Times may be dates, or numbers in quotes.
// One step does not show in which order the server lists, so two are asked for.
func TestTheLatestStepOfAServerThatIgnoresOrder(t *testing.T) {
	d := drifting{runs: 5, noOrder: true, hasMore: hasMores["boolean"]}
	_, err := dial(t, d.ServeHTTP).Steps(t.Context(), "t", "r", 1)
	if ignored := (*IgnoredError)(nil); !errors.As(err, &ignored) || ignored.Argument != "order" || strings.Contains(err.Error(), "Ask with") {
		t.Error(err)
	}
	d.noOrder = false
	if page, err := dial(t, d.ServeHTTP).Steps(t.Context(), "t", "r", 1); err != nil || !slices.Equal(ids(page.Data), []string{"r004"}) {
		t.Errorf("%q, %v", ids(page.Data), err)
	}
}

// What is no clear word about more runs lets the next page be asked for.
func TestWhatHasMoreSays(t *testing.T) {
	for value, asks := range map[string]bool{
		"true": true, `"true"`: true, `"True"`: true, "1": true, `"1"`: true, "null": true, `"maybe"`: true, "2": true, "{}": true,
		"false": false, `"false"`: false, `"FALSE"`: false, "0": false, `"0"`: false,
	} {
		asked := 0
		c := dial(t, func(w http.ResponseWriter, r *http.Request) {
			if asked++; r.URL.Query().Has("after") {
				answers(`{"data":[],"has_more":false}`)(w, r)
				return
			}
			answers(`{"data":[{"id":"a"}],"has_more":`+value+`}`)(w, r)
		})
		drain(c.Pages(t.Context(), "t", ListParams{Limit: 2}, false))
		if (asked == 2) != asks {
			t.Errorf("has_more %s: %d pages were asked for", value, asked)
		}
	}
}

// Of two spellings of has_more, one that says nothing does not count. A number may say it, too.
func TestTwoSpellingsOfHasMore(t *testing.T) {
	for _, body := range []string{`{"data":[{"id":"a"}],"has_more":true,"hasMore":null}`, `{"data":[{"id":"a"}],"has_more":null,"hasMore":true}`, `{"data":[{"id":"a"}],"has_more":1}`} {
		if page, err := dial(t, answers(body)).ListRuns(t.Context(), "t", ListParams{}); err != nil || !page.HasMore() {
			t.Errorf("%s: %t, %v", body, page.HasMore(), err)
		}
	}
}

func TestTheOrderOfDates(t *testing.T) {
	for _, times := range [][2]string{{`"2026-01-02T03:04:05Z"`, `"2026-01-02T03:04:06.5+00:00"`}, {`"1700000000"`, `"1700000001"`}, {`"2026-01-02T03:04:05.123456"`, `"2026-01-02T03:04:06"`}, {`"2026-01-02 03:04:05"`, `"2026-01-02 03:04:06"`}, {"1700000000123", "1700000000124"}} {
		body := fmt.Sprintf(`{"data":[{"id":"a","status":"s","created_at":%s},{"id":"b","status":"s","created_at":%s}],"has_more":false}`, times[0], times[1])
		page, err := dial(t, answers(body)).ListRuns(t.Context(), "t", ListParams{Limit: 2, Order: "desc"})
		if got := ids(page.Data); err != nil || !slices.Equal(got, []string{"b", "a"}) {
			t.Errorf("%s: %q, %v", times, got, err)
		}
	}
}

// Where has_more is absent, a page that is not full may still not be the last.
func TestPagesOfAServerThatCapsThem(t *testing.T) {
	d := drifting{runs: 130, hasMore: hasMores["absent"]}
	for name, change := range map[string]func(http.ResponseWriter, *http.Request){
		"capped at 50": func(w http.ResponseWriter, r *http.Request) {
			q := r.URL.Query()
			q.Set("limit", "50")
			r.URL.RawQuery = q.Encode()
			d.ServeHTTP(w, r)
		},
		"an odd item": func(w http.ResponseWriter, r *http.Request) {
			rec := httptest.NewRecorder()
			q := r.URL.Query()
			q.Set("limit", "99")
			r.URL.RawQuery = q.Encode()
			d.ServeHTTP(rec, r)
			answers(strings.Replace(rec.Body.String(), `"data":[{`, `"data":[1,{`, 1))(w, r)
		},
		"no further pages": func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Query().Has("after") {
				status(400, "after is not known")(w, r)
				return
			}
			drifting{runs: 130, noLimit: true, hasMore: hasMores["absent"]}.ServeHTTP(w, r)
		},
	} {
		var got []string
		var failure error
		for page, err := range dial(t, change).Pages(t.Context(), "t", ListParams{Limit: 200, Order: "asc"}, false) {
			got, failure = append(got, ids(page.Data)...), err
		}
		if failure != nil || len(got) != 130 {
			t.Errorf("%s: %d runs, %v", name, len(got), failure)
		}
	}
}

// A page that the API did not promise may be refused, but what may pass hides no page.
func TestAPageThatWasNotPromised(t *testing.T) {
	for name, tc := range map[string]struct {
		next  http.HandlerFunc
		fails bool
	}{
		"refused":               {status(404, ""), false},
		"refused again":         {status(400, ""), false},
		"not offered":           {status(501, ""), true},
		"a fault of the server": {status(500, "", "x-should-retry", "false"), true},
		"a rate limit":          {status(429, ""), true},
		"too slow":              {status(408, ""), true},
		"no answer":             {drop, true},
	} {
		c := dial(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Query().Has("after") {
				tc.next(w, r)
				return
			}
			answers(`{"data":[{"id":"a"}]}`)(w, r)
		}, func(cfg *Config) { cfg.MaxRetries = 0 })
		var got []string
		var failure error
		for page, err := range c.Pages(t.Context(), "t", ListParams{Limit: 2}, false) {
			got, failure = append(got, ids(page.Data)...), err
		}
		if (failure != nil) != tc.fails || !slices.Equal(got, []string{"a"}) {
			t.Errorf("%s: %q, %v", name, got, failure)
		}
	}
}

// A server that sends its whole list whatever it is asked for is read without an error.
func TestAServerThatAlwaysSendsItsWholeList(t *testing.T) {
	for name, tc := range map[string]struct {
		d    drifting
		want string
	}{
		"shorter than a page": {drifting{runs: 2, noAfter: true, noLimit: true}, "r000 r001"},
		"as long as a page":   {drifting{runs: 3, noAfter: true, noLimit: true}, "r000 r001 r002"},
		"longer than a page":  {drifting{runs: 4, noAfter: true, noLimit: true}, "r000 r001 r002 r003"},
		"in another order":    {drifting{runs: 2, noOrder: true}, "r001 r000"},
		"only the first page": {drifting{runs: 4, noAfter: true}, "r000 r001 r002 this server ignores after"},
	} {
		tc.d.hasMore = hasMores["absent"]
		p := ListParams{Limit: 3, Order: "asc"}
		if tc.d.noOrder {
			p.Order = "desc"
		}
		var got []string
		for page, err := range dial(t, tc.d.ServeHTTP).Pages(t.Context(), "t", p, false) {
			if got = append(got, ids(page.Data)...); err != nil {
				text, _, _ := strings.Cut(err.Error(), ":")
				got = append(got, text)
			}
		}
		if list := strings.Join(got, " "); list != tc.want {
			t.Errorf("%s: got %s, want %s", name, list, tc.want)
		}
	}
}

// Whether a server ignores after cannot be told while it fails.
func TestAServerThatFailsAsItIsChecked(t *testing.T) {
	c := dial(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("limit") == "1" {
			status(403, "")(w, r)
			return
		}
		answers(`{"data":[{"id":"a"},{"id":"b"}]}`)(w, r)
	})
	var last error
	for _, err := range c.Pages(t.Context(), "t", ListParams{Limit: 2}, false) {
		last = err
	}
	var e *Error
	if !errors.As(last, &e) || e.Status != 403 {
		t.Error(last)
	}
}

// The last page says that it is the last one, also if the server does not.
func TestTheLastPageSaysSo(t *testing.T) {
	pages := map[string]string{"": `{"data":[{"id":"a"},7]}`, "a": `{"data":[{"id":"b"},7]}`, "b": `{"data":null}`}
	c := dial(t, func(w http.ResponseWriter, r *http.Request) { answers(pages[r.URL.Query().Get("after")])(w, r) })
	var got []string
	for page, err := range c.Pages(t.Context(), "t", ListParams{Limit: 2}, false) {
		if got = append(got, joined(page)); err != nil {
			t.Error(err)
		}
	}
	if want := []string{`{"last_id":"a","has_more":true,"data":[{"id":"a"}]}`, `{"last_id":"b","has_more":true,"data":[{"id":"b"}]}`, `{"has_more":false,"data":[]}`}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A whole list is sorted as it was asked for; a part of one is left, or refused if it is the
// wrong part.
func TestTheOrderOfAList(t *testing.T) {
	for _, tc := range []struct {
		created string // of the runs a, b and so on; - is none
		asked   ListParams
		more    bool
		want    string // the ids, or a part of the error
	}{
		{"1 2 3", ListParams{Order: "asc"}, false, "abc"},
		{"1 2 3", ListParams{Order: "desc"}, false, "cba"},
		{"1 2 3", ListParams{}, false, "abc"},
		{"1 2 3", ListParams{Order: "desc"}, true, "ignores order"},
		{"3 2 1", ListParams{Order: "asc"}, true, "ignores order"},
		{"2 1 3", ListParams{Order: "asc"}, false, "bac"},
		{"2 1 3", ListParams{Order: "desc"}, false, "cab"},
		{"2 1 3", ListParams{Order: "desc"}, true, "abc"},
		{"2 1 2 3", ListParams{Order: "asc"}, false, "bacd"},
		{"2 1 2 3", ListParams{Order: "desc"}, false, "dacb"},
		{"1 1", ListParams{Order: "asc"}, false, "ab"},
		{"1 1", ListParams{Order: "desc"}, false, "ab"},
		{"1 1 2", ListParams{Order: "desc"}, true, "ignores order"},
		{"2 -", ListParams{Order: "asc"}, false, "ab"},
		{"- 2", ListParams{Order: "desc"}, false, "ab"},
		{"1 2 3", ListParams{Order: "desc", After: "b"}, false, "a"},
		{"1 2 3", ListParams{Order: "desc", Before: "b"}, false, "c"},
		{"1 2 3", ListParams{Order: "desc", Before: "c"}, false, ""},
		{"1 2 3", ListParams{Order: "desc", After: "a"}, false, ""},
		{"1 2 3", ListParams{Order: "desc", Before: "a"}, false, "cb"},
		{"1 2 3", ListParams{Order: "desc", After: "c", Before: "a"}, false, "b"},
		{"1 2 3", ListParams{Order: "asc", Before: "a"}, false, ""},
		{"1 2 3", ListParams{Order: "asc", After: "a"}, true, "bc"}, // the page begins with its cursor
		{"1 2 3", ListParams{Order: "asc", After: "c"}, true, "ignores after"},
		{"1 2 3", ListParams{Order: "desc", After: "z"}, false, "ignores order"}, // only what comes after z
		{"1 2 3", ListParams{Order: "desc", Before: "z"}, false, "ignores order"},
	} {
		var runs []string
		for i, created := range strings.Fields(tc.created) {
			created = strings.Replace(created, "-", "null", 1)
			runs = append(runs, fmt.Sprintf(`{"id":"%c","status":"s","created_at":%s}`, 'a'+i, created))
		}
		body := fmt.Sprintf(`{"data":[%s],"has_more":%t}`, strings.Join(runs, ","), tc.more)
		page, err := dial(t, answers(body)).ListRuns(t.Context(), "t", tc.asked)
		if got := strings.Join(ids(page.Data), ""); err == nil && got != tc.want || err != nil && (tc.want == "" || !strings.Contains(err.Error(), tc.want)) {
			t.Errorf("%s, %+v, more %t: got %s, want %s, %v", tc.created, tc.asked, tc.more, got, tc.want, err)
		}
	}
}
