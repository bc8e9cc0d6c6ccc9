// Package facttest has the conformance suites of package fact: tests that every
// implementation of its interfaces must pass. Call them from a test of your own:
//
//	func TestStore(t *testing.T) {
//		facttest.TestEventStore(t, func(t *testing.T) fact.EventStore {
//			return openStore(t)
//		})
//	}
//
// [TestEventStore] is for every store. [TestProjectingStore] is for stores that
// run projectors inside Append and hand committed events to publishers.
// [TestMaterializer] is for every materializer.
//
// Each rule is a subtest that is named after what it asks for.
package facttest
