-- Whether a page explains the death of the process that had begun it: `sure`, or for the second time. The first death
-- that nobody can explain (a kill from outside hits innocent pages) counts as any other until the page is confirmed.
-- With a unit's process dead for nothing as often as the run went on company by company, the next name is believed.
local function explained(t, page, sure)
  t.b = t.b or {}
  sure = sure or num(t.p) >= ALONE_DEATHS
  for i, known in ipairs(t.b) do
    if known == page then return false end -- the stage was told to leave it out, and did not
    if known:sub(1, #page + 1) == page .. '?' then
      if not sure and known:sub(#page + 2) == a.owner then return false end
      t.b[i] = page
      t.p = num(t.p) > 1 and t.p - 1 or nil
      return true
    end
  end
  if #t.b >= MAX_NAMED then return false end
  t.b[#t.b + 1] = sure and page or page .. '?' .. a.owner
  return sure
end

-- The parent of a pool child reports that it died (or the child, just before). What it had committed, or what its
-- own report handed out, but had not sent goes out now. `lapsed`: the parent killed what had lost its lease at a page.
local function operation()
  local j = load_sound(a.job)
  if not j or TERMINAL[j.status] then return { no = 'ended' } end
  local t = get_unit(a.job, a.unit)
  if not t then return { no = 'gone' } end
  local mine = t.q and t.q:sub(1, #a.owner + 1) == a.owner .. ':'
  if t.s == 'r' and t.o == a.owner then
    t.y = a.owner
    local own_fault = a.page and explained(t, a.page, a.sure)
    if not own_fault then t.p = num(t.p) + 1 end
    if num(t.p) >= MAX_DEATHS then
      fail_unit(j, a.unit, t, 'poison', a.error .. ' (' .. t.p .. ' times); set aside')
      remember_sent(j, a.unit, t)
    else
      t.m = { 'system', a.error }
      event(a.job, 'unit', { unit = a.unit, state = 'died', error = a.error, deaths = num(t.p), page = a.page })
      hand_again(j, a.unit, t, own_fault) -- a unit full of such pages would keep its neighbours waiting
      if t.s == 'f' then remember_sent(j, a.unit, t) end
    end
  elseif a.lapsed then
    if LIVE[t.s] then
      if explained(t, a.page, a.sure) then t.l = num(t.l) > 1 and t.l - 1 or nil end
      put_unit(a.job, a.unit, t)
    end
  elseif (mine or t.y == a.owner) and t.s == 'h' and not t.x then
    message(j, a.unit, t)
  elseif (mine and t.s == 'd') or (t.y == a.owner and t.s == 'f') then
    again(j, t)
  else
    return { no = 'stale' }
  end
  return { ok = true }
end
