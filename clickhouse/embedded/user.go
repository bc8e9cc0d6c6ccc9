//go:build (linux || darwin) && (amd64 || arm64)

package embedded

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// userXML renders a user that may do what the grants say.
func userXML(name, password, profile, database string, grants []string) string {
	sum := sha256.Sum256([]byte(password))
	return fmt.Sprintf("<%s><password_sha256_hex>%s</password_sha256_hex><networks><ip>::/0</ip></networks><profile>%s</profile>"+
		"<quota>default</quota><default_database>%s</default_database>%s</%s>",
		name, hex.EncodeToString(sum[:]), profile, xmlText(database), grantsXML(grants...), name)
}

// profileName is the name of the user's own profile.
func (u User) profileName() string { return "of_" + u.Name }

// profileXML renders the user's profile: that of all users, and what is fixed.
func (u User) profileXML() string {
	var values, fixed strings.Builder
	for _, name := range slices.Sorted(maps.Keys(u.Fixed)) {
		fmt.Fprintf(&values, "<%s>%s</%s>", name, xmlText(u.Fixed[name]), name)
		fmt.Fprintf(&fixed, "<%s><const/></%s>", name, name)
	}
	return fmt.Sprintf("<%s><profile>default</profile>%s<constraints>%s</constraints></%s>", u.profileName(), values.String(), fixed.String(), u.profileName())
}
