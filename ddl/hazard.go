package ddl

import (
	"fmt"
	"strings"
)

// Hazard says what running a statement may cost. Higher is worse.
type Hazard int

const (
	// MetadataOnly statements touch no rows and are over at once.
	MetadataOnly Hazard = iota
	// DropsMetadata statements take a TTL, comment, codec, default or setting away
	// that the schema does not give, and that somebody may have set by hand. They
	// touch no rows. The plans of ddl/diff have them only
	// when a table is pruned.
	DropsMetadata
	// RewritesData statements rewrite stored columns in the background. They
	// take time, disk and IO in proportion to the data; no value is lost.
	RewritesData
	// DeletesData statements remove stored values for good.
	DeletesData
	// NeedsRebuild marks a change that no statement can make in place: it takes
	// a new table and a copy of the rows.
	NeedsRebuild
)

// Hazards returns all hazards, mildest first.
func Hazards() []Hazard {
	return []Hazard{MetadataOnly, DropsMetadata, RewritesData, DeletesData, NeedsRebuild}
}

// String returns the name of the hazard as it is written in permissions:
// metadata_only, drops_metadata, rewrites_data, deletes_data or needs_rebuild.
func (h Hazard) String() string {
	switch h {
	case MetadataOnly:
		return "metadata_only"
	case DropsMetadata:
		return "drops_metadata"
	case RewritesData:
		return "rewrites_data"
	case DeletesData:
		return "deletes_data"
	case NeedsRebuild:
		return "needs_rebuild"
	}
	return fmt.Sprintf("hazard(%d)", int(h))
}

// ParseHazard returns the hazard of the given name. The error lists the names.
func ParseHazard(name string) (Hazard, error) {
	for _, h := range Hazards() {
		if h.String() == name {
			return h, nil
		}
	}
	names := make([]string, 0, len(Hazards()))
	for _, h := range Hazards() {
		names = append(names, h.String())
	}
	return 0, fmt.Errorf("unknown hazard %q: want one of %s", name, strings.Join(names, ", "))
}
