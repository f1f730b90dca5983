package schema_test

import (
	"fmt"

	"runs-mcp/schema"
)

func ExampleFor() {
	type arguments struct {
		City string   `json:"city" jsonschema_description:"Where"`
		Days int      `json:"days,omitempty" jsonschema:"minimum=1,maximum=14" jsonschema_description:"How far ahead. Default 3"`
		Show []string `json:"show,omitempty" jsonschema:"enum=rain,enum=wind" jsonschema_description:"Only these"`
	}
	forecast := schema.For(arguments{Days: 3})
	fmt.Println(string(forecast.JSON()))

	a, err := forecast.Decode(`{"city":"Oslo","show":"Rain"}`)
	fmt.Println(a, err)

	_, err = forecast.Decode(`{"city":"Oslo","days":30,"shows":["wind"]}`)
	fmt.Println(err)

	// Output:
	// {"properties":{"city":{"type":"string","description":"Where"},"days":{"type":"integer","description":"How far ahead. Default 3 (1-14)"},"show":{"items":{"type":"string","enum":["rain","wind"]},"type":"array","description":"Only these"}},"additionalProperties":false,"type":"object","required":["city"]}
	// {Oslo 3 [rain]} <nil>
	// shows: unknown argument (did you mean show?); this tool takes city, days, show
	// days: got 30, wants an integer from 1 to 14
}
