-- One request to Railway, asked for by one process of many: taken at once, or how long to wait before asking again.
--
-- The arithmetic is that of RateBudget and Spacing in railway_saas/_core/pacing.py, and a test holds both to the
-- same answers. All settings and constants come with the question (ARGV[1], JSON), so that they are written once.
--
-- KEYS: state   hash: the numbers below, and the epoch, which tells processes when Redis has forgotten everything
--       used    list of "slot requests", the oldest slot first
--       waiting sorted set of "lane:process", by the moment at which a waiter counts as gone

local ask = cjson.decode(ARGV[1])
local STATE, USED, WAITING = KEYS[1], KEYS[2], KEYS[3]
local NUMBERS = { 'seen', 'shift', 'quota', 'window_s', 'per_second', 'total', 'level', 'at', 'paused_until' }

local state, now = {}, nil

local function exact(number)
  return string.format('%.17g', number)
end

-- State

local function load_state()
  local stored = redis.call('HMGET', STATE, 'epoch', unpack(NUMBERS))
  for index, name in ipairs(NUMBERS) do
    state[name] = stored[index + 1] and tonumber(stored[index + 1]) or nil
  end
  state.epoch = stored[1] or nil
end

local function save_state()
  local fields = { 'epoch', state.epoch }
  for _, name in ipairs(NUMBERS) do
    fields[#fields + 1] = name
    fields[#fields + 1] = exact(state[name])
  end
  redis.call('HSET', STATE, unpack(fields))
  local keep_ms = math.ceil(2000 * state.window_s)
  redis.call('PEXPIRE', STATE, keep_ms)
  redis.call('PEXPIRE', USED, keep_ms)
end

-- Redis' own clock, which may be set back: time goes on from where it was, or all would wait for it to catch up.
local function read_clock()
  now = ask.now
  if not now then
    local time = redis.call('TIME')
    now = tonumber(time[1]) + tonumber(time[2]) / 1e6
  end
  state.shift = state.shift or 0
  now = now + state.shift
  if state.seen and now < state.seen then
    state.shift = state.shift + state.seen - now
    now = state.seen
  end
  state.seen = now
end

local function start_anew()
  redis.call('DEL', USED, WAITING)
  state.epoch = exact(now) .. ' ' .. ask.who
  state.total, state.level, state.at, state.paused_until = 0, 0, 0, 0
end

-- The quota: every stretch of a window, in slots

local function slot_s()
  return state.window_s / ask.slots
end

local function entry(index)
  local text = redis.call('LINDEX', USED, index)
  if not text then
    return nil, 0
  end
  local slot, requests = string.match(text, '^(%d+) (%d+)$')
  return tonumber(slot), tonumber(requests)
end

local function leaves_at(slot)
  return (slot + ask.slot_ends) * slot_s() + state.window_s
end

local function forget()
  local slot, requests = entry(0)
  while slot and leaves_at(slot) <= now do
    redis.call('LPOP', USED)
    state.total = state.total - requests
    slot, requests = entry(0)
  end
  if not slot then
    state.total = 0
  end
  return slot
end

local function count(requests)
  local slot = math.floor(now / slot_s())
  local last, before = entry(-1)
  if last == slot then
    redis.call('LSET', USED, -1, string.format('%.0f %.0f', slot, before + requests))
  else
    redis.call('RPUSH', USED, string.format('%.0f %.0f', slot, requests))
  end
  state.total = state.total + requests
end

-- Slots of another length cannot be compared: all were used just now, at worst.
local function set_window(window_s)
  if state.window_s == window_s then
    return
  end
  local used = 0
  if state.window_s then
    forget()
    used = state.total
  end
  state.window_s = window_s
  redis.call('DEL', USED)
  state.total = 0
  if used > 0 then
    count(used)
  end
end

local function take_from_quota()
  if now < state.paused_until then
    return math.max(ask.tick_s, state.paused_until - now)
  end
  local oldest = forget()
  if state.total < math.max(1, math.floor(state.quota * ask.share)) then
    count(1)
    return 0
  end
  return math.max(ask.tick_s, leaves_at(oldest) - now)
end

-- The rate per second

local function depth_and_rate()
  local whole = state.per_second >= 1 and math.floor(state.per_second) or state.per_second
  return 1 + ask.late_share * whole, ask.used_share * whole
end

local function wait_for_rate(depth, rate)
  state.level = math.max(0, state.level - (now - state.at) * rate)
  state.at = now
  local missing = state.level + 1 - depth
  return missing > ask.clock_tick_s * rate and math.max(ask.tick_s, missing / rate) or 0
end

-- The line: how many wait in a lane that goes first, and how many in the same one came earlier

local function before_me()
  redis.call('ZREMRANGEBYSCORE', WAITING, '-inf', exact(now))
  local urgent, earlier, passed = 0, 0, false
  for _, who in ipairs(redis.call('ZRANGE', WAITING, 0, -1)) do
    local lane = tonumber(string.sub(who, 1, 1))
    if who == ask.who then
      passed = true
    elseif lane < ask.lane then
      urgent = urgent + 1
    elseif lane == ask.lane and not passed then
      earlier = earlier + 1
    end
  end
  return urgent, earlier
end

local function stand_in_line(wait_s)
  local until_s = now + math.min(wait_s, ask.look_again_s) + ask.grace_s
  redis.call('ZADD', WAITING, exact(until_s), ask.who)
  redis.call('PEXPIRE', WAITING, math.ceil(2000 * (ask.look_again_s + ask.grace_s)))
end

local function leave_line()
  redis.call('ZREM', WAITING, ask.who)
end

-- What the process has to tell

local function configure()
  state.quota = ask.learns_quota and state.quota or ask.quota
  state.per_second = ask.learns_rate and state.per_second or ask.per_second
  set_window(ask.learns_quota and state.window_s or ask.window_s)
end

local function learn()
  if not (ask.seen_quota and ask.learns_quota) then
    return
  end
  if ask.seen_quota == state.quota and ask.seen_window_s == state.window_s then
    return
  end
  state.quota = ask.seen_quota
  set_window(ask.seen_window_s)
  if ask.learns_rate then
    state.per_second = ask.seen_per_second
  end
end

local function count_others()
  if ask.seen_remaining then
    forget()
    local by_others = (ask.seen_quota or state.quota) - ask.seen_remaining - state.total
    if by_others > 0 then
      count(by_others)
    end
  end
end

local function listen()
  learn()
  if ask.sent > 0 then
    count(ask.sent)
  end
  count_others()
  if ask.pause_s > 0 then
    state.paused_until = math.max(state.paused_until, now + math.min(ask.pause_s, state.window_s))
  end
end

-- The request

local function reserve()
  local depth, rate = depth_and_rate()
  local urgent, earlier = before_me()
  if urgent > 0 then
    return urgent / rate, false
  end
  local wait_s = wait_for_rate(depth, rate)
  if wait_s > 0 then
    wait_s = wait_s + earlier / rate
    stand_in_line(wait_s)
    return wait_s, true
  end
  leave_line() -- out of quota, it must not hold up lanes that still have some
  wait_s = take_from_quota()
  if wait_s == 0 then
    state.level = state.level + 1
  end
  return wait_s, false
end

load_state()
read_clock()
if not state.epoch then
  start_anew()
end
configure()
listen()
local wait_s, waiting = 0, false
if ask.wants == 'request' then
  wait_s, waiting = reserve()
elseif ask.wants == 'leave' then
  leave_line()
end
forget()
save_state()
return cjson.encode({
  wait_s = wait_s,
  waiting = waiting,
  quota = state.quota,
  window_s = state.window_s,
  total = state.total,
  epoch = state.epoch,
})
