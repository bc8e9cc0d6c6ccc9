package sqlitestore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Check looks at every page and every event of the file. Damage is an error that
// wraps [ErrCorrupt] and says what was found first. It reads the whole file, and
// appends go on meanwhile.
func (s *Store) Check(ctx context.Context) error {
	if err := s.checkPages(ctx); err != nil {
		return fmt.Errorf("check event store %s: %w", s.path, explain(err))
	}
	var wrong int
	err := s.read.QueryRowContext(ctx, `SELECT
		(SELECT count(*) FROM streams s WHERE events <> (SELECT count(*) FROM events e WHERE e.stream = s.id)
			OR last < (SELECT coalesce(max(sequence), 0) FROM events e WHERE e.stream = s.id))
		+ (SELECT count(*) FROM log WHERE position < (SELECT coalesce(max(position), 0) FROM events))
		+ (SELECT count(*) FROM events WHERE stream NOT IN (SELECT id FROM streams))`).Scan(&wrong)
	if err == nil && wrong > 0 {
		err = fmt.Errorf("%w: %d counts of its events do not agree", ErrCorrupt, wrong)
	}
	if err != nil {
		return fmt.Errorf("check event store %s: %w", s.path, explain(err))
	}
	for _, err := range s.ReadLog(ctx, "", 0) { // compares checksums
		if err != nil {
			return fmt.Errorf("check event store %s: %w", s.path, err)
		}
	}
	return nil
}

func (s *Store) checkPages(ctx context.Context) error {
	var finding string
	if err := s.read.QueryRowContext(ctx, "PRAGMA integrity_check(1)").Scan(&finding); err != nil {
		return err
	}
	if finding != "ok" {
		return fmt.Errorf("%w: %s", ErrCorrupt, finding)
	}
	return nil
}

// Backup writes a copy of the store to a file that must not be there yet, as of
// one moment, while appends go on. The copy is compact, and on the disk when
// Backup returns. On an error there is no file.
func (s *Store) Backup(ctx context.Context, path string) error {
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("back up event store %s: %s is there already", s.path, path)
	}
	_, err := s.read.ExecContext(ctx, "VACUUM INTO $1", path)
	if err == nil {
		err = syncFile(path)
	}
	if err == nil {
		err = syncDir(filepath.Dir(path))
	}
	if err != nil {
		_ = os.Remove(path) // it may not be there
		return fmt.Errorf("back up event store %s to %s: %w", s.path, path, explain(err))
	}
	return nil
}

func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// Vacuum rewrites the file without free pages and empties its WAL: what was
// erased is then in neither. Appends wait meanwhile, so do readers at its end, and
// it needs as much room on the disk as the file again.
func (s *Store) Vacuum(ctx context.Context) error {
	if s.write == nil {
		return fmt.Errorf("vacuum event store %s: %w", s.path, ErrReadOnly)
	}
	_, err := s.write.ExecContext(ctx, "VACUUM")
	if err == nil {
		var busy, pages, moved int
		err = s.write.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &pages, &moved)
		if err == nil && busy != 0 {
			err = errors.New("a reader keeps the WAL from being emptied: run it again")
		}
	}
	if err != nil {
		return fmt.Errorf("vacuum event store %s: %w", s.path, explain(err))
	}
	return nil
}
