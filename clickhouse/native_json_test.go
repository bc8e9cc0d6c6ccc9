package clickhouse

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/fact"
	"github.com/factload/factload/internal/enginetest"
)

// TestNativeJSONIsKept: text stays text, integers stay exact and booleans stay
// booleans, whichever rows share an insert.
func TestNativeJSONIsKept(t *testing.T) {
	t.Parallel()
	schema := fact.Schema{Name: "native", OrderBy: []string{"set", "id"}, Fields: []fact.Field{
		{Name: "set", Type: fact.UInt32}, {Name: "id", Type: fact.UInt32}, {Name: "v", Type: fact.NativeJSON},
	}}
	sets := [][]string{ // each is an insert
		{`{"k":"2024-01-01T00:00:00.5+02:00"}`},
		{`{"k":"01/02/2024"}`},
		{`{"k":"Jan 1 2024"}`, `{"k":"may"}`, `{"k":"12"}`, `{"k":"10:30"}`},
		{`{"k":"2024-01-01T00:00:00Z"}`, `{"k":"1"}`, `{"k":"2024-01-01T00:00:00.999Z"}`},
		{`{"k":"2024-01-01"}`, `{"k":"9999-12-31"}`, `{"k":"1900-01-01"}`, `{"k":"2024-02-30"}`, `{"k":"20240101"}`},
		{`{"k":"hello"}`, `{"k":"01/02/2024"}`},
		{`{"k":0.5}`, `{"k":9007199254740993}`, `{"k":18446744073709551615}`, `{"k":"x"}`, `{"k":true}`, `{"k":-1}`},
		{`{"k":["q",-1.5]}`, `{"k":[9007199254740992,"s"]}`, `{"k":[true]}`},
		{`{"k":["s",false]}`, `{"k":[1,false]}`, `{"k":[true,2.5]}`, `{"k":["1",1,1.5,"1.5",true,"true",null,"null"]}`},
		{`{"k":[{"a":0.5}]}`, `{"k":[{"a":9007199254740993}]}`, `{"k":[[1],[0.5]]}`, `{"k":[]}`, `{"k":[null,1]}`},
	}
	refused := []string{`{"k":[9007199254740993,0.5]}`, `{"k":[-4464876131862917378,"s"]}`, `{"k":[null]}`, `{"k":[[1],null]}`}
	eachProtocol(t, func(t *testing.T, db *enginetest.DB, m *Materializer) {
		p := fact.NewPipeline(fact.WithMaterializer(m))
		require.NoError(t, p.EnsureSchemas(t.Context(), schema))
		for i, set := range sets {
			var facts []fact.Fact
			for id, v := range set {
				facts = append(facts, fact.Fact{Schema: "native", Data: map[string]any{"set": i, "id": id, "v": json.RawMessage(v)}})
			}
			require.NoError(t, p.Record(t.Context(), facts...))
			stored := db.Query(t, fmt.Sprintf("SELECT v FROM native WHERE set = %d ORDER BY id FORMAT TSVRaw SETTINGS output_format_json_escape_forward_slashes = 0", i))
			require.Equal(t, strings.Join(set, "\n"), strings.TrimSpace(stored))
		}
		for _, v := range refused {
			require.Error(t, p.Record(t.Context(), fact.Fact{Schema: "native", Data: map[string]any{"v": json.RawMessage(v)}}), v)
		}
	})
}
