package diff_test

import (
	"testing"

	"github.com/factload/factload/internal/enginetest"
)

func TestMain(m *testing.M) { enginetest.Main(m) }
