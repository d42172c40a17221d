/** How a place in the past is written, as the end of "must be …". */
export const POSITION_FORMS =
  'a time such as 2026-01-31T12:00:00Z or in ms since 1970, how long ago such as 15m or 7d, or "seq:" and a sequence number'
