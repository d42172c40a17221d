/** The store's file in the data folder; LMDB adds one for its readers. */
export const STORE_FILE = 'hubbub.mdb'

/** The history's file beside it. */
export const HISTORY_FILE = 'history.mdb'
