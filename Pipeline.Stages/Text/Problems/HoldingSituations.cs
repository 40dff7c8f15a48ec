namespace Pipeline.Stages.Text.Problems;

/// <summary>Situations in which someone ends up with a number of things, after which more can happen to them.</summary>
internal static class HoldingSituations
{
    /// <summary>Ways to tell how someone comes to have the things. Afterwards the story's value is their number.</summary>
    public static Action<Story, Person, string>[] Beginnings { get; } =
        [Bought, Boxes, Collected, TwoKinds, Rows, WonInGames, Inherited, Opened, FoundOnDays, Packed, Doubled, HalfOf];

    /// <summary>Ways to tell what happens next to the things.</summary>
    public static Action<Story, Person, string>[] Events { get; } =
        [GivesAway, GetsMore, Loses, SharesWithSelf, TradesUp, Triples, BuysPackets, GivesToEach, SellsHalf, RollsAway];

    /// <summary>Asks for the number of things.</summary>
    public static void Ask(Story s, Person p, string things) => s.SayOne(
        $"How many {things} does {p.Name} have now?",
        $"How many {things} are left with {p.Name} in the end?",
        $"Work out how many {things} {p.Name} has now.",
        $"What is the number of {things} that {p.Name} has at the end?",
        $"After all this, how many {things} does {p.Name} have?");

    private static void Bought(Story s, Person p, string things)
    {
        int had = s.Number(3, 60), more = s.Number(2, 40);
        s.SayOne($"{p.Name} has {had} {things} and buys {more} more at the {s.Pick(Words.Places)}.", $"{p.Name} owned {had} {things} before {p.They} bought another {more}.");
        s.Add($"the {things} after buying", had, more);
    }

    private static void Boxes(Story s, Person p, string things)
    {
        int boxes = s.Number(2, 12), each = s.Number(3, 15);
        string box = s.Pick(Words.Containers);
        s.SayOne($"{p.Name} has {boxes} {box} with {each} {things} in each.", $"There are {each} {things} in each of {p.Name}'s {boxes} {box}.");
        s.Multiply($"the {things} in {boxes} {box}", boxes, each);
    }

    private static void Collected(Story s, Person p, string things)
    {
        int perDay = s.Number(2, 14), days = s.Number(3, 9);
        s.SayOne($"{p.Name} collects {perDay} {things} a day for {days} days.", $"For {days} days in a row, {p.Name} finds {perDay} {things} each day.");
        s.Multiply($"the {things} of {days} days", perDay, days);
    }

    private static void TwoKinds(Story s, Person p, string things)
    {
        int red = s.Number(4, 45), blue = s.Number(4, 45);
        string first = s.Pick("red", "old", "large", "round"), second = s.Pick("blue", "new", "small", "striped");
        s.Say($"{p.Name} keeps {red} {first} {things} and {blue} {second} {things} on a shelf.");
        s.Add($"all the {things} on the shelf", red, blue);
    }

    private static void Rows(Story s, Person p, string things)
    {
        int rows = s.Number(3, 9), each = s.Number(4, 12), extra = s.Number(1, 9);
        s.Say($"{p.Name} lays {things} on a table in {rows} rows of {each} and has {extra} more in {p.Their} pocket.");
        int table = s.Multiply($"the {things} on the table", rows, each);
        s.Add($"the {things} with those in the pocket", table, extra);
    }

    private static void WonInGames(Story s, Person p, string things)
    {
        int start = s.Number(10, 40), games = s.Number(2, 6), each = s.Number(2, 7);
        s.Say($"{p.Name} starts with {start} {things} and wins {each} {things} in each of {games} games.");
        int won = s.Multiply($"the {things} won", games, each);
        s.Add($"the {things} after the games", start, won);
    }

    private static void Inherited(Story s, Person p, string things)
    {
        int mine = s.Number(8, 50), times = s.Number(2, 5);
        string relative = s.Pick(Words.Relatives);
        s.Say($"{p.Name} has {mine} {things}. {Capital(p.Their)} {relative} has {times} times as many and gives {p.Them} all of them.");
        int given = s.Multiply($"the {things} of the {relative}", mine, times);
        s.Add($"the {things} together", mine, given);
    }

    private static void Opened(Story s, Person p, string things)
    {
        int packets = s.Number(3, 8), each = s.Number(5, 12), bad = s.Number(2, 12);
        s.Say($"{p.Name} opens {packets} packets of {each} {things}, but {bad} of the {things} are damaged and thrown away.");
        int all = s.Multiply($"the {things} in the packets", packets, each);
        s.Subtract($"the good {things}", all, bad);
    }

    private static void FoundOnDays(Story s, Person p, string things)
    {
        int first = s.Number(4, 30), more = s.Number(2, 12);
        string day = s.Pick("Monday", "Wednesday", "Friday"), next = s.Pick("Sunday", "Tuesday", "Saturday");
        s.Say($"On {day} {p.Name} found {first} {things}, and on {next} {p.They} found {more} more than on {day}.");
        int second = s.Add($"the {things} found on {next}", first, more);
        s.Add($"the {things} of both days", first, second);
    }

    private static void Packed(Story s, Person p, string things)
    {
        int bags = s.Number(2, 9), each = s.Number(3, 11), given = s.Number(2, 5);
        s.Say($"A shop sells {things} in bags of {each}. {p.Name} buys {bags} bags and gets {given} {things} for free.");
        int bought = s.Multiply($"the {things} in the bags", bags, each);
        s.Add($"the {things} with the free ones", bought, given);
    }

    private static void Doubled(Story s, Person p, string things)
    {
        int had = s.Number(5, 60);
        s.SayOne($"{p.Name} had {had} {things} last year and has twice as many this year.", $"This year {p.Name}'s {had} {things} have doubled in number.");
        s.Multiply($"twice {had} {things}", 2, had);
    }

    private static void HalfOf(Story s, Person p, string things)
    {
        int half = s.Number(4, 50);
        string relative = s.Pick(Words.Relatives);
        s.Say($"{Capital(p.Name)}'s {relative} owns {half * 2} {things}. {p.Name} owns half as many.");
        s.Divide($"half of the {things} of the {relative}", half * 2, 2);
    }

    private static void GivesAway(Story s, Person p, string things)
    {
        if (s.Value < 3)
        {
            GetsMore(s, p, things);
            return;
        }
        int given = s.Number(1, Math.Min(s.Value - 1, 40));
        Person other = s.Person();
        s.SayOne($"Then {p.They} gives {given} of them to {other.Name}.", $"{other.Name} asks for some, and {p.Name} hands over {given}.");
        s.Subtract($"the {things} after giving {given} away", s.Value, given);
    }

    private static void GetsMore(Story s, Person p, string things)
    {
        int more = s.Number(2, 30);
        Person other = s.Person();
        s.SayOne($"{other.Name} gives {p.Them} {more} more.", $"As a present {p.They} gets {more} more from {other.Name}.");
        s.Add($"the {things} with those from {other.Name}", s.Value, more);
    }

    private static void Loses(Story s, Person p, string things)
    {
        if (s.Value < 3)
        {
            GetsMore(s, p, things);
            return;
        }
        int lost = s.Number(2, Math.Min(s.Value - 1, 15));
        s.SayOne($"On the way home {p.They} loses {lost} of them.", $"Later {lost} of them go missing.");
        s.Subtract($"the {things} that are not lost", s.Value, lost);
    }

    private static void SharesWithSelf(Story s, Person p, string things)
    {
        int[] ways = [.. Enumerable.Range(2, 9).Where(n => s.Value % n == 0 && s.Value > n)];
        if (ways.Length == 0)
        {
            GetsMore(s, p, things);
            return;
        }
        int people = s.Draw.Pick<int>(ways);
        s.Say($"{Capital(p.They)} shares them equally among {people} people, {p.Name} being one of them.");
        s.Divide($"the {things} for each of {people} people", s.Value, people);
    }

    private static void TradesUp(Story s, Person p, string things)
    {
        if (s.Value < 6)
        {
            GetsMore(s, p, things);
            return;
        }
        int gives = s.Number(2, Math.Min(s.Value - 1, 10)), gets = s.Number(2, 18);
        s.Say($"In a trade {p.They} gives {gives} of them and gets {gets} others back.");
        int left = s.Subtract($"the {things} after giving {gives}", s.Value, gives);
        s.Add($"the {things} after the trade", left, gets);
    }

    private static void Triples(Story s, Person p, string things)
    {
        if (s.Value > 120)
        {
            GivesAway(s, p, things);
            return;
        }
        int times = s.Number(2, 4);
        s.Say($"By summer {p.They} has {times} times that number.");
        s.Multiply($"{times} times the {things}", s.Value, times);
    }

    private static void BuysPackets(Story s, Person p, string things)
    {
        int packets = s.Number(2, 6), each = s.Number(4, 10), before = s.Value;
        s.Say($"Later {p.They} buys {packets} packets of {each}.");
        int bought = s.Multiply($"the {things} in the new packets", packets, each);
        s.Add($"all the {things}", before, bought);
    }

    private static void GivesToEach(Story s, Person p, string things)
    {
        int friends = s.Number(2, 6), before = s.Value;
        if (before <= friends + 1)
        {
            GetsMore(s, p, things);
            return;
        }
        int each = s.Number(1, Math.Min((before - 1) / friends, 8));
        s.SayOne($"{p.Name} gives {each} to each of {friends} friends.", $"Each of {friends} friends gets {each} from {p.Name}.");
        int given = s.Multiply($"the {things} given away", friends, each);
        s.Subtract($"the {things} that remain", before, given);
    }

    private static void SellsHalf(Story s, Person p, string things)
    {
        if (s.Value % 2 != 0 || s.Value < 4)
        {
            GetsMore(s, p, things);
            return;
        }
        s.SayOne($"{Capital(p.They)} sells half of them.", $"Half of them are sold at the {s.Pick(Words.Places)}.");
        s.Divide($"the half of the {things} that is kept", s.Value, 2);
    }

    private static void RollsAway(Story s, Person p, string things)
    {
        if (s.Value < 4)
        {
            GetsMore(s, p, things);
            return;
        }
        int gone = s.Number(2, Math.Min(s.Value - 2, 9)), found = s.Number(1, gone), before = s.Value;
        s.SayOne($"{gone} of them fall through a hole, but {p.Name} finds {found} again.", $"A dog runs off with {gone} of them, and {p.Name} gets {found} back.");
        int rest = s.Subtract($"the {things} without the {gone}", before, gone);
        s.Add($"the {things} with the {found} that come back", rest, found);
    }

    private static string Capital(string word) => char.ToUpperInvariant(word[0]) + word[1..];
}
