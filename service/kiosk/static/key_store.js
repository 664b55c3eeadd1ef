// A browser's own store of keys that no script can extract: one IndexedDB database with one object store.

export class KeyStore {
  /** The store of a name in a database, which is made at its first use. */
  constructor(database, name) {
    this.database = database;
    this.name = name;
  }

  /** The entry of an id, or null. */
  async get(id) {
    return (await this.transact("readonly", (store) => store.get(id))) ?? null;
  }

  /** Store an entry under an id, in place of an earlier one. */
  async put(id, entry) {
    await this.transact("readwrite", (store) => store.put(entry, id));
  }

  /** Delete the entry of an id. */
  async delete(id) {
    await this.transact("readwrite", (store) => store.delete(id));
  }

  /** Make one request in a transaction of its own; its result once the transaction is complete. */
  transact(mode, work) {
    return new Promise((resolve, reject) => {
      const opening = indexedDB.open(this.database, 1);
      opening.onupgradeneeded = () => opening.result.createObjectStore(this.name);
      opening.onerror = () => reject(opening.error);
      opening.onsuccess = () => {
        const transaction = opening.result.transaction(this.name, mode);
        const request = work(transaction.objectStore(this.name));
        transaction.oncomplete = () => {
          opening.result.close();
          resolve(request.result);
        };
        transaction.onabort = () => reject(transaction.error);
      };
    });
  }
}
