-- When a session's object was deleted because its time was over; the beginning of 1970 while it is there. The row stays,
-- so that rows which the warehouse still has do not make the session due again.
ALTER TABLE session_archives ADD COLUMN IF NOT EXISTS ExpiredAt DateTime64(3) DEFAULT 0 CODEC(ZSTD(1));
