package config

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/spf13/viper"
	"github.com/stretchr/testify/require"
)

// The file in the root is the reference: it has every key with its default.
func TestConfigFileHasEveryDefault(t *testing.T) {
	t.Parallel()
	v := viper.New()
	v.SetConfigFile("../../../../config.yaml")
	require.NoError(t, v.ReadInConfig())
	want := Defaults()
	got := make(map[string]any)
	for _, key := range v.AllKeys() {
		got[key] = v.Get(key)
	}
	require.ElementsMatch(t, keysOf(want), keysOf(got))
	for key, value := range want {
		require.EqualValues(t, normal(value), normal(got[key]), key)
	}
}

func normal(v any) string {
	switch v := v.(type) {
	case []string:
		return strings.Join(v, ",")
	case []any:
		if len(v) == 0 {
			return ""
		}
	case string:
		return v
	case int:
		return strconv.Itoa(v)
	}
	return "?"
}

func keysOf(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// Variables that set nothing are told of, except those of others.
func TestUnknownVariables(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{
		"the variable FACTLOAD_DNS sets nothing, did you mean FACTLOAD_DSN?",
		"the variable FACTLOAD_LOAD_PASSES sets nothing: there is no such key",
		"the variable FACTLOAD_LOAD_WROKERS sets nothing, did you mean FACTLOAD_LOAD_WORKERS?",
	}, UnknownVariables([]string{
		"HOME=/root", "FACTLOAD_LOAD_WROKERS=3", "FACTLOAD_LOAD_PASSES=2", "FACTLOAD_DNS=x", "FACTLOAD_LOAD_EMPTY=",
		"FACTLOAD_DSN=a", "FACTLOAD_DSN_FILE=a", "FACTLOAD_CONFIG=a", "FACTLOAD_SCHEMAS=a", "FACTLOAD_LOAD_WORKERS=3", "FACTLOAD_SERVE_PASSWORD_FILE=a",
		"FACTLOAD_LIBCHDB=a", "FACTLOAD_SOAK=1", "FACTLOAD_SOAK_TRIALS=1", "FACTLOAD_TEST_DSN=a", "FACTLOAD_TEST_HTTP_DSN=a",
		"FACTLOAD_TEST_SEED=1", "FACTLOAD_TEST_IMAGE=a", "FACTLOAD_ENGINETEST_NO_MAIN=1", "FACTLOAD_EMBEDDED_ENGINE_CHILD=1", "FACTLOAD_IMAGE=a",
		"FACTLOAD_HTTP_PORT=1", "FACTLOAD_NATIVE_PORT=1", "FACTLOAD_BENCH_ROWS=1", "FACTLOAD_ADDRESS=a",
	}))
}
