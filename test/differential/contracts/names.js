(() => {
  // Names with leases, as a bundler leaves them: everything in one function called at once.
  var DAY = 86400;
  var YEAR = 365 * DAY;
  var FEES = { 1: 5e3, 2: 2500, 3: 1200, 4: 600, 5: 300 };

  var __defProp = Object.defineProperty;
  var __name = (target, value) => __defProp(target, "name", { value, configurable: true });

  function fee(name, years) {
    var base = FEES[name.length] || 100;
    return Math.round(base * (1 + 0.1 * (years - 1)) * years);
  }
  __name(fee, "fee");
  function isName(name) {
    return typeof name === "string" && /^(?!-)[a-z0-9-]{1,32}(?<!-)$/.test(name);
  }
  function now() {
    return +SmartWeave.block.timestamp;
  }
  function isLeased(record) {
    return record !== undefined && (record.type === "permabuy" || record.end > now());
  }
  function spend(state, who, amount) {
    if ((state.balances[who] || 0) < amount) {
      throw new ContractError("Insufficient balance: needs " + amount);
    }
    state.balances[who] -= amount;
    state.treasury += amount;
  }
  function demand(state) {
    var height = +SmartWeave.block.height;
    if (height - state.demand.from >= 30) {
      state.demand = { from: height, bought: 0, factor: Math.max(0.5, state.demand.factor * (state.demand.bought > 3 ? 1.05 : 0.95)) };
    }
    return state.demand.factor;
  }

  var Registry = class {
    constructor(state) {
      this.state = state;
    }
    buy(caller, { name, years = 1, target, permanent }) {
      var key = String(name).toLowerCase();
      if (!isName(key)) throw new ContractError("Invalid name");
      if (isLeased(this.state.records[key])) throw new ContractError("Name is taken: " + key);
      if (!Number.isInteger(years) || years < 1 || years > 5) throw new ContractError("Invalid years");
      var price = Math.round(fee(key, permanent ? 20 : years) * demand(this.state));
      spend(this.state, caller, price);
      this.state.records[key] = permanent
        ? { target, owner: caller, type: "permabuy", start: now(), price, undernames: 10 }
        : { target, owner: caller, type: "lease", start: now(), end: now() + years * YEAR, price, undernames: 10 };
      this.state.demand.bought++;
    }
    owned(caller, name) {
      var record = this.state.records[name];
      if (!isLeased(record)) throw new ContractError("No lease on " + name);
      if (record.owner !== caller) throw new ContractError("Not the owner of " + name);
      return record;
    }
    extend(caller, { name, years }) {
      var record = this.owned(caller, name);
      if (record.type !== "lease") throw new ContractError("Bought for good");
      if (!(years >= 1 && years <= 5)) throw new ContractError("Invalid years");
      spend(this.state, caller, fee(name, years));
      record.end += years * YEAR;
    }
    undernames(caller, { name, qty }) {
      var record = this.owned(caller, name);
      spend(this.state, caller, qty * 2);
      record.undernames += qty;
      if (record.undernames > 50) throw new ContractError("Too many undernames");
    }
    point(caller, { name, target }) {
      this.owned(caller, name).target = target;
    }
    hand(caller, { name, to }) {
      Object.assign(this.owned(caller, name), { owner: to, handed: SmartWeave.transaction.id });
    }
    prune() {
      var gone = Object.keys(this.state.records).filter((name) => !isLeased(this.state.records[name]));
      if (gone.length === 0) throw new ContractError("Nothing to prune");
      for (var name of gone) delete this.state.records[name];
    }
  };

  async function handle(state, action) {
    var registry = new Registry(state);
    var { input, caller } = action;
    switch (input.function) {
      case "buy":
      case "extend":
      case "undernames":
      case "point":
      case "hand":
      case "prune":
        await registry[input.function](caller, input);
        return { state };
      case "fund":
        state.balances[caller] = (state.balances[caller] || 0) + 1e4;
        return { state };
      case "price":
        return { result: { price: fee(input.name, input.years || 1), at: SmartWeave.block.height } };
    }
    throw new ContractError("Unknown function: " + input.function);
  }
})();
