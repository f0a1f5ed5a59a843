local function operation()
  local j = load_sound(a.job)
  if not j then return { no = 'gone' } end
  if TERMINAL[j.status] then return { no = j.status } end
  local flat = call('HGETALL', P .. 'units:' .. j.id)
  for i = 1, #flat, 2 do
    if flat[i + 1]:find('"s":"[hrw]"') then
      local t = dec(flat[i + 1])
      t.o = nil
      t.s = 'p'
      undue(j.id, flat[i])
      put_unit(j.id, flat[i], t)
    end
  end
  set(j, 'win', 0)
  end_job(j, 'cancelled')
  return { ok = true }
end
