/** The store's file in the data folder; LMDB adds one for its readers. */
export const STORE_FILE = 'hubbub.mdb'
