// scimmy and scimmy-routers behind Express, with resources in memory or in SQLite:
//
//     node scimmy.mjs memory
//     node scimmy.mjs sqlite FILE
//
// They are kept as these packages' documents have it: handlers that put in, find and take out. One is
// found by its id, and by userName or externalId with `eq`, without going through all of them.

import { randomUUID } from "node:crypto";
import express from "express";
import SCIMMY from "scimmy";
import SCIMMYRouters from "scimmy-routers";

const [how, file] = process.argv.slice(2);
const key = process.env.PEER_KEY;

class Memory {
    #all = new Map();
    #names = new Map();

    get(id) {
        return this.#all.get(id);
    }

    all() {
        return [...this.#all.values()];
    }

    find(attribute, value) {
        const id = this.#names.get(attribute + ":" + value.toLowerCase());
        return id === undefined ? [] : [this.#all.get(id)];
    }

    put(resource) {
        this.#all.set(resource.id, resource);
        for (const attribute of ["userName", "externalId"]) {
            const value = resource[attribute];
            if (value) this.#names.set(attribute + ":" + value.toLowerCase(), resource.id);
        }
    }

    remove(id) {
        this.#all.delete(id);
    }
}

class Sqlite {
    #get;
    #all;
    #find;
    #put;
    #remove;

    constructor(db, table) {
        db.exec(`CREATE TABLE ${table} (id TEXT PRIMARY KEY, userName TEXT COLLATE NOCASE, externalId TEXT, body TEXT)`);
        db.exec(`CREATE INDEX ${table}_name ON ${table} (userName)`);
        db.exec(`CREATE INDEX ${table}_external ON ${table} (externalId)`);
        this.#get = db.prepare(`SELECT body FROM ${table} WHERE id = ?`);
        this.#all = db.prepare(`SELECT body FROM ${table} ORDER BY rowid`);
        this.#find = {
            userName: db.prepare(`SELECT body FROM ${table} WHERE userName = ?`),
            externalId: db.prepare(`SELECT body FROM ${table} WHERE externalId = ?`),
        };
        this.#put = db.prepare(
            `INSERT INTO ${table} VALUES (@id, @userName, @externalId, @body)
             ON CONFLICT (id) DO UPDATE SET userName = @userName, externalId = @externalId, body = @body`,
        );
        this.#remove = db.prepare(`DELETE FROM ${table} WHERE id = ?`);
    }

    get(id) {
        const row = this.#get.get(id);
        return row && JSON.parse(row.body);
    }

    all() {
        return this.#all.all().map((row) => JSON.parse(row.body));
    }

    find(attribute, value) {
        return this.#find[attribute].all(value).map((row) => JSON.parse(row.body));
    }

    put(resource) {
        const { id, userName = null, externalId = null } = resource;
        this.#put.run({ id, userName, externalId, body: JSON.stringify(resource) });
    }

    remove(id) {
        this.#remove.run(id);
    }
}

async function stores() {
    if (how === "memory") return [new Memory(), new Memory()];
    const { default: Database } = await import("better-sqlite3");
    const db = new Database(file);
    // Durable, as rollbook is: what was answered is on the disk.
    db.pragma("journal_mode = WAL");
    db.pragma("synchronous = FULL");
    return [new Sqlite(db, "users"), new Sqlite(db, "groups")];
}

// `attribute eq value` alone; anything else is filtered by scimmy itself.
function named(filter) {
    if (filter?.length !== 1) return undefined;
    const [[attribute, comparison] = []] = Object.entries(filter[0]);
    const isNamed = ["userName", "externalId"].includes(attribute) && comparison?.[0] === "eq";
    return isNamed && typeof comparison[1] === "string" ? [attribute, comparison[1]] : undefined;
}

function declare(type, store) {
    SCIMMY.Resources.declare(type)
        .ingress((resource, data) => {
            const before = resource.id && store.get(resource.id);
            if (resource.id && !before) throw new SCIMMY.Types.Error(404, null, `no ${resource.id}`);
            const now = new Date().toISOString();
            const plain = JSON.parse(JSON.stringify(data));
            const after = {
                ...plain,
                id: resource.id ?? randomUUID(),
                meta: { created: before?.meta.created ?? now, lastModified: now },
            };
            const others = before || !after.userName ? [] : store.find("userName", after.userName);
            if (others.length) throw new SCIMMY.Types.Error(409, "uniqueness", "userName is taken");
            store.put(after);
            return after;
        })
        .egress((resource) => {
            if (resource.id) {
                const one = store.get(resource.id);
                if (!one) throw new SCIMMY.Types.Error(404, null, `no ${resource.id}`);
                return one;
            }
            const by = named(resource.filter);
            return by ? store.find(...by) : store.all();
        })
        .degress((resource) => store.remove(resource.id));
}

const [users, groups] = await stores();
SCIMMY.Resources.User.extend(SCIMMY.Schemas.EnterpriseUser);
declare(SCIMMY.Resources.User, users);
declare(SCIMMY.Resources.Group, groups);
SCIMMY.Config.set({ patch: true, filter: { supported: true, maxResults: 1000 } });

const app = express();
app.use(
    "/scim",
    new SCIMMYRouters({
        type: "bearer",
        docUri: "https://localhost/",
        handler: (request) => {
            if (request.header("Authorization") !== `Bearer ${key}`) throw new Error("a wrong key");
            return "bench";
        },
    }),
);
const server = app.listen(0, "127.0.0.1", () => {
    console.log(`${how} serves http://127.0.0.1:${server.address().port}`);
});
// Whoever started this closes its input, which also happens when they are killed.
process.stdin.on("end", () => process.exit(0)).resume();
