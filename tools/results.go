package tools

// The results as a client's validator sees them. A client throws a whole result
// away that does not validate, and every server of the Runs API differs in its
// own way: so they name what is checked before a result is sent, and no more.

type runResult struct {
	ID     string `json:"id"`
	Status string `json:"status"`
}

type listResult struct {
	Data []map[string]any `json:"data"`
}
