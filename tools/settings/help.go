package settings

import (
	"fmt"
	"io"
	"strings"

	"runs-mcp/runsapi"
)

// Help writes what the program does, and a description of all settings.
func Help(out io.Writer) error {
	var b strings.Builder
	b.WriteString(`runs-mcp serves get_run, list_runs and cancel_run over MCP on stdio, for any
server of the OpenAI Assistants Runs API. Start it from an MCP host, or try:

  ` + Try + `

Flags beat the environment. Variables without a flag are for secrets and what goes with them.

`)
	for _, row := range new(Settings).table() {
		indent := "  "
		if row.flag != "" {
			fmt.Fprintf(&b, "  --%s\n", strings.TrimSpace(row.flag+" "+row.arg))
			indent = "      "
		}
		fmt.Fprintf(&b, "%s%s\n", indent, strings.Join(row.env, ", "))
		writeWrapped(&b, row.help)
	}
	b.WriteString("  --version\n")
	writeWrapped(&b, "print the version and exit")
	b.WriteString("\nExit codes: 0 end of input or a signal, 2 bad settings, 1 anything else.\n")
	_, err := io.WriteString(out, b.String())
	return err
}

// Try is a shell command that shows the program at work.
const Try = `echo '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"list_runs","arguments":{"thread_id":"thread_demo"}}}' | runs-mcp --sandbox`

// writeWrapped writes text in lines that are indented by 8 characters and at most 80 long.
func writeWrapped(b *strings.Builder, text string) {
	line := "       "
	for _, word := range strings.Fields(text) {
		if len(line)+1+len(word) > 80 {
			b.WriteString(line + "\n")
			line = "       "
		}
		line += " " + word
	}
	b.WriteString(line + "\n")
}

// KeyNames returns, for error texts, which settings the credentials come from. It is "" if
// there are none.
func KeyNames(credentials []runsapi.Credential) string {
	var names []string
	for _, c := range credentials {
		names = append(names, keyName(c))
	}
	return strings.Join(names, " and ")
}

func keyName(c runsapi.Credential) string {
	switch c.Source {
	case runsapi.SourceKeyFile:
		return "OPENAI_API_KEY_FILE"
	case runsapi.SourceKeyCommand:
		return "--api-key-command (OPENAI_API_KEY_COMMAND)"
	case runsapi.SourcePortkeyAPIKey:
		return "PORTKEY_API_KEY"
	case runsapi.SourcePortkeyVirtualKey:
		return "PORTKEY_VIRTUAL_KEY"
	case runsapi.SourcePortkeyConfig:
		return "PORTKEY_CONFIG"
	case runsapi.SourceHeader:
		return fmt.Sprintf("--header or RUNS_MCP_HEADERS (%s)", c.Name)
	case runsapi.SourceQuery:
		return fmt.Sprintf("--query or RUNS_MCP_QUERY (%s)", c.Name)
	case runsapi.SourceBaseURL:
		return fmt.Sprintf("the query of --api-base or OPENAI_BASE_URL (%s)", c.Name)
	default:
		return "OPENAI_API_KEY"
	}
}
