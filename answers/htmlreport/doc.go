// Package htmlreport makes a page of the shipped questions: one HTML file with charts, tables and the SQL of each, that needs
// nothing else to be looked at and asks nothing of any network.
//
// The engine computes every number, for the whole time and for the last 30 days, 7 days and day before the newest fact. In
// the page, a reader chooses among these, and among projects and models.
package htmlreport
