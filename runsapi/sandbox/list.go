package sandbox

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
)

// listed is an item of one of the API's lists: a run or a step.
type listed interface{ id() string }

type page[T listed] struct {
	Object  string  `json:"object"`
	Data    []T     `json:"data"`
	FirstID *string `json:"first_id"`
	LastID  *string `json:"last_id"`
	HasMore bool    `json:"has_more"`
}

// sendPage sends the page of items that the query asks for. The items are passed oldest
// first. The cursors refer to the order that the query asks for; with before but not after,
// the page is the one that ends right before the cursor.
func sendPage[T listed](w http.ResponseWriter, r *http.Request, items []T, noun string) {
	query := r.URL.Query()
	limit := 20
	if v := query.Get("limit"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 || n > 100 {
			fail(w, http.StatusBadRequest, apiError{Param: new("limit"), Code: new("invalid_value"),
				Message: fmt.Sprintf("Invalid 'limit': expected an integer between 1 and 100, but got '%s' instead.", v)})
			return
		}
		limit = n
	}
	items = append([]T{}, items...) // never nil, which would be sent as null
	switch order := query.Get("order"); order {
	case "asc":
	case "", "desc":
		slices.Reverse(items)
	default:
		fail(w, http.StatusBadRequest, apiError{Param: new("order"), Code: new("invalid_value"),
			Message: fmt.Sprintf("Invalid value: '%s'. Supported values are: 'asc' and 'desc'.", order)})
		return
	}
	first, end := 0, len(items)
	if id := query.Get("after"); id != "" {
		i := find(w, items, noun, id)
		if i < 0 {
			return
		}
		first = i + 1
	}
	if id := query.Get("before"); id != "" {
		if end = find(w, items, noun, id); end < 0 {
			return
		}
	}
	end = max(first, end)
	more := end-first > limit
	if more && query.Get("before") != "" && query.Get("after") == "" {
		first = end - limit
	}
	p := page[T]{Object: "list", Data: items[first:min(end, first+limit)], HasMore: more}
	if n := len(p.Data); n > 0 {
		p.FirstID, p.LastID = new(p.Data[0].id()), new(p.Data[n-1].id())
	}
	send(w, http.StatusOK, p)
}

// find returns the index of the item with that id. If there is none, it sends an error and
// returns -1.
func find[T listed](w http.ResponseWriter, items []T, noun, id string) int {
	i := slices.IndexFunc(items, func(item T) bool { return item.id() == id })
	if i < 0 {
		fail(w, http.StatusNotFound, apiError{Message: fmt.Sprintf("No %s found with id '%s'.", noun, id)})
	}
	return i
}
