namespace Pipeline.Stages.Text.Problems;

/// <summary>Situations about buying, selling, saving and earning, in whole dollars.</summary>
internal static class MoneySituations
{
    public static Action<Story>[] All { get; } =
        [Shopping, Change, TwoPrices, Saving, Wages, Overtime, MarketDay, Discount, Tickets, Subscription, SplitBill, Profit, Budget, Rent];

    private static void Shopping(Story s)
    {
        Person p = s.Person();
        int count = s.Number(2, 12), price = s.Number(2, 15);
        string goods = s.Pick(Words.Goods);
        s.SayOne($"{p.Name} buys {count} {goods} at ${price} each.", $"{goods} cost ${price} each, and {p.Name} takes {count} of them.");
        s.SayOne($"How much does {p.They} pay?", $"What do the {goods} cost altogether?", $"Find the total price in dollars.");
        s.Multiply($"the price of {count} {goods}", count, price);
    }

    private static void Change(Story s)
    {
        Person p = s.Person();
        int count = s.Number(2, 8), price = s.Number(2, 6), note = s.Pick("50", "100") == "50" ? 50 : 100;
        string goods = s.Pick(Words.Fruits);
        s.Say($"{p.Name} buys {count} bags of {goods} for ${price} a bag and pays with a ${note} note.");
        s.SayOne($"How much change does {p.They} get?", $"How many dollars does {p.They} get back?");
        int cost = s.Multiply($"the cost of the {goods}", count, price);
        s.Subtract($"the change", note, cost);
    }

    private static void TwoPrices(Story s)
    {
        Person p = s.Person();
        int a = s.Number(2, 9), b = s.Number(2, 9), x = s.Number(2, 12), y = s.Number(2, 12);
        string first = s.Pick("pencils", "cups", "candles", "kites"), second = s.Pick("notebooks", "plates", "lamps", "hats");
        s.Say($"A shop asks ${x} for {One(first)} and ${y} for {One(second)}. {p.Name} buys {a} {first} and {b} {second}.");
        s.SayOne($"What is the total cost?", $"How many dollars does {p.Name} spend?", $"Work out the whole bill in dollars.");
        int one = s.Multiply($"the {first}", a, x), two = s.Multiply($"the {second}", b, y);
        s.Add($"everything together", one, two);
    }

    private static void Saving(Story s)
    {
        Person p = s.Person();
        int start = s.Number(5, 60), weekly = s.Number(3, 15), weeks = s.Number(3, 12);
        s.Say($"{p.Name} has ${start} in a jar and puts in ${weekly} every week.");
        s.SayOne($"How much money is in the jar after {weeks} weeks?", $"How many dollars does {p.They} have after {weeks} weeks?");
        int saved = s.Multiply($"the money saved in {weeks} weeks", weekly, weeks);
        s.Add($"the money in the jar", start, saved);
    }

    private static void Wages(Story s)
    {
        Person p = s.Person();
        int hours = s.Number(3, 9), rate = s.Number(9, 25), days = s.Number(2, 6);
        s.SayOne($"{p.Name} earns ${rate} an hour and works {hours} hours a day.", $"Working {hours} hours a day, {p.Name} is paid ${rate} for each hour.");
        s.SayOne($"How much does {p.They} earn in {days} days?", $"What is {p.Their} pay for {days} days in dollars?");
        int day = s.Multiply($"the pay for one day", rate, hours);
        s.Multiply($"the pay for {days} days", day, days);
    }

    private static void Overtime(Story s)
    {
        Person p = s.Person();
        int hours = s.Number(20, 40), rate = s.Number(8, 20), extra = s.Number(2, 8), bonus = rate + s.Number(2, 8);
        s.Say($"{p.Name} is paid ${rate} an hour for {hours} hours and ${bonus} for each of {extra} hours on {s.Pick("Saturday", "Sunday")}.");
        s.SayOne($"What does {p.They} earn in all?", $"How many dollars is that together?");
        int normal = s.Multiply($"the pay for normal hours", hours, rate), more = s.Multiply($"the pay for the extra hours", extra, bonus);
        s.Add($"the whole pay", normal, more);
    }

    private static void MarketDay(Story s)
    {
        Person p = s.Person();
        int had = s.Number(20, 80), left = s.Number(2, 15), price = s.Number(2, 9);
        string fruits = s.Pick(Words.Fruits);
        s.Say($"{p.Name} brings {had} boxes of {fruits} to the market and takes {left} boxes back home.");
        s.Say($"Each box is sold for ${price}.");
        s.SayOne($"How much money does {p.They} take?", $"What are the sales of the day in dollars?");
        int sold = s.Subtract($"the boxes sold", had, left);
        s.Multiply($"the money for them", sold, price);
    }

    private static void Discount(Story s)
    {
        Person p = s.Person();
        int count = s.Number(3, 10), price = s.Number(6, 30), off = s.Number(1, 5);
        string goods = s.Pick(Words.Goods);
        s.Say($"The price of {goods} falls from ${price} to ${off} less. {p.Name} buys {count}.");
        s.SayOne($"How much does {p.They} pay?", $"What do {count} {goods} cost now?");
        int now = s.Subtract($"the new price", price, off);
        s.Multiply($"{count} {goods} at the new price", count, now);
    }

    private static void Tickets(Story s)
    {
        int adults = s.Number(2, 6), children = s.Number(2, 9), child = s.Number(3, 9), adult = child + s.Number(2, 8);
        s.Say($"A ticket for the {s.Pick("museum", "circus", "castle", "zoo", "theater")} costs ${adult} for an adult and ${child} for a child.");
        s.SayOne($"What do {adults} adults and {children} children pay together?", $"How much is it for {adults} adults and {children} children?");
        int grown = s.Multiply($"the adults", adults, adult), small = s.Multiply($"the children", children, child);
        s.Add($"all tickets", grown, small);
    }

    private static void Subscription(Story s)
    {
        Person p = s.Person();
        int fee = s.Number(10, 40), monthly = s.Number(4, 20), months = s.Number(3, 12);
        s.Say($"A {s.Pick("gym", "choir", "chess club", "library", "sailing school")} asks ${fee} to join and ${monthly} a month.");
        s.SayOne($"What does {p.Name} pay for the first {months} months?", $"How many dollars does {p.Name} spend there in {months} months?");
        int all = s.Multiply($"the monthly payments", monthly, months);
        s.Add($"the payments with the fee", all, fee);
    }

    private static void SplitBill(Story s)
    {
        int people = s.Number(3, 8), each = s.Number(6, 20), tip = s.Number(1, people * 3), bill = (people * each) - tip;
        if (bill < tip)
        {
            Tickets(s);
            return;
        }
        s.Say($"{people} friends eat at a restaurant. The bill is ${bill}, they add a tip of ${tip} and share everything equally.");
        s.SayOne($"How much does each friend pay?", $"What is the share of each in dollars?");
        int whole = s.Add($"the bill with the tip", bill, tip);
        s.Divide($"the share of each friend", whole, people);
    }

    private static void Profit(Story s)
    {
        Person p = s.Person();
        int count = s.Number(5, 30), cost = s.Number(2, 9), price = cost + s.Number(1, 8);
        string goods = s.Pick(Words.Goods);
        s.Say($"{p.Name} makes {count} {goods}. Each costs ${cost} to make and is sold for ${price}.");
        s.SayOne($"What is {p.Their} profit when all are sold?", $"How many dollars does {p.They} gain in all?");
        int gain = s.Subtract($"the gain on each", price, cost);
        s.Multiply($"the gain on all", count, gain);
    }

    private static void Budget(Story s)
    {
        Person p = s.Person();
        int price = s.Number(3, 12), can = s.Number(4, 15), spent = s.Number(5, 40), money = (price * can) + spent;
        string goods = s.Pick(Words.Goods);
        s.Say($"{p.Name} has ${money} and spends ${spent} on a train ticket. With the rest {p.They} buys {goods} at ${price} each.");
        s.SayOne($"How many {goods} can {p.They} buy?", $"For how many {goods} is the rest enough?");
        int rest = s.Subtract($"the money after the ticket", money, spent);
        s.Divide($"the number of {goods}", rest, price);
    }

    private static void Rent(Story s)
    {
        Person p = s.Person(), other = s.Person();
        int months = s.Number(2, 10), each = s.Number(120, 400);
        s.Say($"{p.Name} and {other.Name} share a room and each pays half of the rent, which is ${each * 2} a month.");
        s.SayOne($"How much does {p.Name} pay in {months} months?", $"What does {other.Name} pay for {months} months?");
        int half = s.Divide($"the half of one month", each * 2, 2);
        s.Multiply($"the half of {months} months", half, months);
    }

    private static string One(string plural) => "a " + plural[..^1];
}
