import { migrateContract } from "./migrate.contract.ts";
import { storeContract } from "./store.contract.ts";
import { missing, testPostgres } from "./testing.ts";

const skip = missing("postgres");
storeContract(testPostgres, { skip });
migrateContract(testPostgres, { skip });
