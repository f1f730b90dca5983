package tools

// The following structs describe results for the validators of clients. A client discards a
// result that does not validate, and servers of the Runs API differ from each other, so the
// structs have only the fields that are checked before a result is sent.

type runResult struct {
	ID     string `json:"id"`
	Status string `json:"status"`
}

type listResult struct {
	Data []map[string]any `json:"data"`
}
