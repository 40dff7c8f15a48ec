namespace Pipeline.Stages.Text.Problems;

/// <summary>Situations about travel, time, work, school, kitchen, garden and farm.</summary>
internal static class WorldSituations
{
    public static Action<Story>[] All { get; } =
    [
        Trip, TwoDays, SpeedFromDistance, Machine, Garden, Orchard, Farm, Recipe, Bakery, Classroom, Seats, Reading, ReadingRest, Ages, AgeSum,
        Fence, Area, Tank, Rope, Bus, Stairs, Parade, Teams, Average, Exam, Clock, Walks, Library, Flowers, Eggs, Warehouse, Painting, Concert,
    ];

    private static void Trip(Story s)
    {
        int speed = s.Number(4, 90), hours = s.Number(2, 9);
        s.SayOne($"A {s.Pick("train", "car", "truck", "bus")} travels {speed} miles each hour.", $"A ship covers {speed} miles an hour.");
        s.SayOne($"How far does it go in {hours} hours?", $"How many miles is that in {hours} hours?");
        s.Multiply($"the miles in {hours} hours", speed, hours);
    }

    private static void TwoDays(Story s)
    {
        Person p = s.Person();
        int first = s.Number(5, 30), more = s.Number(2, 12);
        string day = s.Pick("Monday", "Tuesday", "Friday");
        s.Say($"{p.Name} cycles {first} miles on {day} and {more} miles more than that on the next day.");
        s.SayOne($"How many miles does {p.They} cycle on both days?", $"What is the total distance in miles?");
        int second = s.Add($"the miles of the second day", first, more);
        s.Add($"the miles of both days", first, second);
    }

    private static void SpeedFromDistance(Story s)
    {
        Person p = s.Person();
        int hours = s.Number(2, 8), speed = s.Number(3, 60), to = s.Number(2, 7);
        s.Say($"{p.Name} drives {speed * hours} miles in {hours} hours at an even speed.");
        s.SayOne($"How far does {p.They} get in {to} hours?", $"At that speed, how many miles are {to} hours?");
        int each = s.Divide($"the miles in one hour", speed * hours, hours);
        s.Multiply($"the miles in {to} hours", each, to);
    }

    private static void Machine(Story s)
    {
        int rate = s.Number(3, 25), minutes = s.Number(4, 30), bad = s.Number(2, 9);
        string machine = s.Pick(Words.Machines), goods = s.Pick(Words.Goods);
        s.Say($"A {machine} makes {rate} {goods} a minute. In {minutes} minutes {bad} of them come out faulty.");
        s.SayOne($"How many good {goods} does it make?", $"How many of the {goods} are without fault?");
        int all = s.Multiply($"the {goods} of {minutes} minutes", rate, minutes);
        s.Subtract($"the good ones", all, bad);
    }

    private static void Garden(Story s)
    {
        Person p = s.Person();
        int rows = s.Number(3, 12), each = s.Number(4, 15), dead = s.Number(2, 10);
        string plants = s.Pick(Words.Flowers);
        s.Say($"{p.Name} plants {rows} rows of {each} {plants}, and {dead} of the plants do not grow.");
        s.SayOne($"How many {plants} grow?", $"How many {plants} does {p.Name} see in spring?");
        int all = s.Multiply($"the {plants} planted", rows, each);
        s.Subtract($"the {plants} that grow", all, dead);
    }

    private static void Orchard(Story s)
    {
        int trees = s.Number(3, 15), each = s.Number(10, 40), basket = s.Pick("2", "5") == "2" ? 2 : 5, yield = each * basket;
        string kind = s.Pick(Words.Trees);
        s.Say($"An orchard has {trees} {kind}. Each gives {yield} pounds of fruit, which is packed in baskets of {basket} pounds.");
        s.SayOne($"How many baskets are filled?", $"How many baskets does the orchard need?");
        int all = s.Multiply($"the pounds of fruit", trees, yield);
        s.Divide($"the baskets", all, basket);
    }

    private static void Farm(Story s)
    {
        Person p = s.Person();
        int a = s.Number(4, 40), b = s.Number(4, 40), sold = s.Number(2, 7);
        string first = s.Pick("hens", "ducks", "geese"), second = s.Pick("goats", "sheep", "cows", "ponies");
        s.Say($"On {p.Name}'s farm there are {a} {first} and {b} {second}. {sold} of the animals are sold.");
        s.SayOne($"How many animals stay on the farm?", $"How many animals does {p.Name} have after the sale?");
        int all = s.Add($"all animals", a, b);
        s.Subtract($"the animals that stay", all, sold);
    }

    private static void Recipe(Story s)
    {
        Person p = s.Person();
        int each = s.Number(2, 9), cakes = s.Number(2, 9), has = s.Number(1, each * cakes);
        string what = s.Pick("eggs", "cups of flour", "spoons of sugar", "cups of milk", "carrots");
        s.Say($"A recipe needs {each} {what} for one cake. {p.Name} wants {cakes} cakes and has {has} of the {what} at home.");
        s.SayOne($"How many more does {p.They} need?", $"How many {what} are missing?");
        int need = s.Multiply($"the {what} for {cakes} cakes", each, cakes);
        s.Subtract($"the {what} still needed", need, has);
    }

    private static void Bakery(Story s)
    {
        int trays = s.Number(3, 12), each = s.Number(6, 20), sold = s.Number(5, trays * 4);
        string baked = s.Pick(Words.Baked);
        s.Say($"A bakery bakes {trays} trays of {each} {baked} in the morning and sells {sold} by noon.");
        s.SayOne($"How many {baked} are left?", $"How many {baked} can still be bought?");
        int all = s.Multiply($"the {baked} of the morning", trays, each);
        s.Subtract($"the {baked} left at noon", all, sold);
    }

    private static void Classroom(Story s)
    {
        int children = s.Number(12, 30), each = s.Number(2, 6), spare = s.Number(2, 20);
        string goods = s.Pick("pencils", "crayons", "notebooks", "sheets of paper", "erasers");
        s.Say($"A teacher gives {each} {goods} to each of {children} children and keeps {spare} in the cupboard.");
        s.SayOne($"How many {goods} were there at first?", $"How many {goods} did the teacher have?");
        int given = s.Multiply($"the {goods} given out", children, each);
        s.Add($"all the {goods}", given, spare);
    }

    private static void Seats(Story s)
    {
        int rows = s.Number(5, 20), each = s.Number(6, 20), empty = s.Number(3, 25);
        s.Say($"A {s.Pick("theater", "cinema", "concert hall", "tent")} has {rows} rows of {each} seats, of which {empty} are empty tonight.");
        s.SayOne($"How many people are watching?", $"How many seats are taken?");
        int all = s.Multiply($"all seats", rows, each);
        s.Subtract($"the seats taken", all, empty);
    }

    private static void Reading(Story s)
    {
        Person p = s.Person();
        int daily = s.Number(6, 30), days = s.Number(4, 20);
        s.Say($"{p.Name} reads {daily} pages of a book every day.");
        s.SayOne($"The book has {daily * days} pages. How many days does {p.They} need?", $"In how many days does {p.They} finish its {daily * days} pages?");
        s.Divide($"the days for the whole book", daily * days, daily);
    }

    private static void ReadingRest(Story s)
    {
        Person p = s.Person();
        int daily = s.Number(5, 20), days = s.Number(3, 9), rest = s.Number(10, 90), pages = (daily * days) + rest;
        s.Say($"A book has {pages} pages. {p.Name} reads {daily} pages a day for {days} days.");
        s.SayOne($"How many pages are still to be read?", $"How many pages are left for {p.Them}?");
        int read = s.Multiply($"the pages read", daily, days);
        s.Subtract($"the pages left", pages, read);
    }

    private static void Ages(Story s)
    {
        Person p = s.Person(), other = s.Person();
        int age = s.Number(4, 15), times = s.Number(2, 4), years = s.Number(2, 12);
        s.Say($"{p.Name} is {age} years old, and {other.Name} is {times} times as old.");
        s.SayOne($"How old will {other.Name} be in {years} years?", $"What is {other.Name}'s age {years} years from now?");
        int now = s.Multiply($"the age of {other.Name} today", age, times);
        s.Add($"the age in {years} years", now, years);
    }

    private static void AgeSum(Story s)
    {
        Person p = s.Person(), other = s.Person();
        int age = s.Number(6, 40), younger = s.Number(2, 5);
        s.Say($"{p.Name} is {age} years old. {other.Name} is {younger} years younger.");
        s.SayOne($"What is the sum of their ages?", $"How many years are they together?");
        int second = s.Subtract($"the age of {other.Name}", age, younger);
        s.Add($"both ages", age, second);
    }

    private static void Fence(Story s)
    {
        int length = s.Number(5, 40), width = s.Number(3, 25);
        s.Say($"A {s.Pick("garden", "field", "yard", "playground")} is {length} meters long and {width} meters wide.");
        s.SayOne($"How many meters of fence go around it?", $"What is the length of a fence around it in meters?");
        int half = s.Add($"one long side and one short side", length, width);
        s.Multiply($"the whole way around", 2, half);
    }

    private static void Area(Story s)
    {
        int length = s.Number(3, 20), width = s.Number(2, 12), each = s.Number(2, 6);
        s.Say($"A floor of {length} by {width} meters is laid with tiles, {each} for each square meter.");
        s.SayOne($"How many tiles are needed?", $"Find the number of tiles.");
        int area = s.Multiply($"the square meters of the floor", length, width);
        s.Multiply($"the tiles", area, each);
    }

    private static void Tank(Story s)
    {
        int rate = s.Number(2, 15), minutes = s.Number(3, 20), start = s.Number(5, 60);
        s.Say($"A tank holds {start} liters of water when a tap is opened that adds {rate} liters a minute.");
        s.SayOne($"How much water is in the tank after {minutes} minutes?", $"How many liters are there {minutes} minutes later?");
        int added = s.Multiply($"the liters added", rate, minutes);
        s.Add($"the liters in the tank", start, added);
    }

    private static void Rope(Story s)
    {
        int pieces = s.Number(3, 12), each = s.Number(2, 12), rest = s.Number(1, 9), rope = (pieces * each) + rest;
        s.Say($"From a rope of {rope} meters, {rest} are cut off. The rest is cut into pieces of {each} meters.");
        s.SayOne($"How many pieces are there?", $"How many such pieces can be made?");
        int left = s.Subtract($"the meters that are left", rope, rest);
        s.Divide($"the pieces", left, each);
    }

    private static void Bus(Story s)
    {
        int start = s.Number(10, 40), off = s.Number(2, 9), on = s.Number(2, 15);
        s.Say($"There are {start} people on a {s.Pick("bus", "tram", "ferry", "train")}. At the {s.Pick(Words.Places)} {off} get off and {on} get on.");
        s.SayOne($"How many people are on board now?", $"How many people travel on?");
        int left = s.Subtract($"the people after {off} get off", start, off);
        s.Add($"the people after {on} get on", left, on);
    }

    private static void Stairs(Story s)
    {
        Person p = s.Person();
        int floors = s.Number(3, 15), steps = s.Number(8, 20);
        s.Say($"A tower has {floors} floors with {steps} steps between each floor and the next. {p.Name} climbs from the ground to the top and back down.");
        s.SayOne($"How many steps is that?", $"How many steps does {p.They} take in all?");
        int up = s.Multiply($"the steps up", floors, steps);
        s.Multiply($"the steps up and down", 2, up);
    }

    private static void Parade(Story s)
    {
        int rows = s.Number(4, 15), each = s.Number(3, 9), drums = s.Number(2, 10);
        s.Say($"In a parade {rows} rows of {each} dancers are followed by {drums} drummers.");
        s.SayOne($"How many people take part?", $"How many people walk in the parade?");
        int dancers = s.Multiply($"the dancers", rows, each);
        s.Add($"the dancers and drummers", dancers, drums);
    }

    private static void Teams(Story s)
    {
        int teams = s.Number(3, 9), each = s.Number(4, 11), girls = s.Number(3, (teams * each) - 3), boys = (teams * each) - girls;
        s.Say($"{girls} girls and {boys} boys are divided into teams of {each}.");
        s.SayOne($"How many teams are there?", $"Into how many teams do they go?");
        int all = s.Add($"all children", girls, boys);
        s.Divide($"the teams", all, each);
    }

    private static void Average(Story s)
    {
        Person p = s.Person();
        int mean = s.Number(8, 40), spread = s.Number(1, 6), shift = s.Number(1, 5), a = mean - spread, b = mean + shift, c = mean + spread - shift;
        string what = s.Pick("points", "goals", "pages", "miles", "fish");
        s.Say($"In three weeks {p.Name} counts {a}, {b} and {c} {what}.");
        s.SayOne($"What is the average for a week?", $"How many {what} is that a week on average?");
        int two = s.Add($"the first two weeks", a, b);
        int all = s.Add($"all three weeks", two, c);
        s.Divide($"the average", all, 3);
    }

    private static void Exam(Story s)
    {
        Person p = s.Person();
        int right = s.Number(8, 30), points = s.Number(2, 5), wrong = s.Number(1, 6);
        s.Say($"A quiz gives {points} points for each right answer and takes 1 point away for each wrong one. {p.Name} has {right} right and {wrong} wrong.");
        s.SayOne($"What is {p.Their} score?", $"How many points does {p.They} get?");
        int plus = s.Multiply($"the points for right answers", right, points);
        s.Subtract($"the score", plus, wrong);
    }

    private static void Clock(Story s)
    {
        Person p = s.Person();
        int tasks = s.Number(2, 8), each = s.Number(10, 40), pause = s.Number(5, 30);
        s.Say($"{p.Name} repairs {tasks} {s.Pick("clocks", "bicycles", "chairs", "radios")}, each in {each} minutes, and rests for {pause} minutes in between.");
        s.SayOne($"How many minutes does all that take?", $"How long is that in minutes?");
        int work = s.Multiply($"the minutes of work", tasks, each);
        s.Add($"the minutes with the rest", work, pause);
    }

    private static void Walks(Story s)
    {
        Person p = s.Person();
        int way = s.Number(2, 9), days = s.Number(3, 7);
        s.Say($"{p.Name} walks {way} miles to the {s.Pick(Words.Places)} and the same way back, {days} days a week.");
        s.SayOne($"How many miles is that in a week?", $"How far does {p.They} walk each week?");
        int day = s.Multiply($"the miles of one day", 2, way);
        s.Multiply($"the miles of {days} days", day, days);
    }

    private static void Library(Story s)
    {
        int shelves = s.Number(4, 15), each = s.Number(10, 40), lent = s.Number(5, 35), back = s.Number(2, 20);
        s.Say($"A library has {shelves} shelves of {each} books. One day {lent} books are lent and {back} are brought back.");
        s.SayOne($"How many books are there in the evening?", $"How many books stand on the shelves then?");
        int all = s.Multiply($"the books on the shelves", shelves, each);
        int less = s.Subtract($"the books after lending", all, lent);
        s.Add($"the books in the evening", less, back);
    }

    private static void Flowers(Story s)
    {
        int bunches = s.Number(3, 12), each = s.Number(4, 9), rest = s.Number(1, 12), all = (bunches * each) + rest;
        string flowers = s.Pick(Words.Flowers);
        s.Say($"A florist has {all} {flowers}, keeps {rest} for the window and ties the others into bunches of {each}.");
        s.SayOne($"How many bunches are there?", $"How many bunches can be sold?");
        int others = s.Subtract($"the {flowers} for bunches", all, rest);
        s.Divide($"the bunches", others, each);
    }

    private static void Eggs(Story s)
    {
        int hens = s.Number(4, 20), boxes = s.Number(2, 9), days = 6;
        s.Say($"{hens * boxes} hens lay one egg a day each. The eggs of {days} days are packed in boxes of {days}.");
        s.SayOne($"How many boxes are filled?", $"How many boxes is that?");
        int eggs = s.Multiply($"the eggs of {days} days", hens * boxes, days);
        s.Divide($"the boxes", eggs, days);
    }

    private static void Warehouse(Story s)
    {
        int trucks = s.Number(2, 8), each = s.Number(10, 40), before = s.Number(20, 90), gone = s.Number(5, Math.Min(60, before + (trucks * each) - 2));
        string box = s.Pick("boxes", "crates", "sacks", "barrels");
        s.Say($"A warehouse holds {before} {box}. {trucks} trucks bring {each} {box} each, and {gone} {box} are sent away.");
        s.SayOne($"How many {box} are in the warehouse now?", $"What number of {box} is left there?");
        int brought = s.Multiply($"the {box} brought", trucks, each);
        int all = s.Add($"the {box} before sending", before, brought);
        s.Subtract($"the {box} left", all, gone);
    }

    private static void Painting(Story s)
    {
        Person p = s.Person();
        int rooms = s.Number(2, 9), walls = s.Number(3, 6), liters = s.Number(2, 4);
        s.Say($"{p.Name} paints {rooms} rooms with {walls} walls each and needs {liters} liters of paint for a wall.");
        s.SayOne($"How many liters of paint is that?", $"How much paint does {p.They} need in liters?");
        int all = s.Multiply($"the walls", rooms, walls);
        s.Multiply($"the paint", all, liters);
    }

    private static void Concert(Story s)
    {
        int nights = s.Number(2, 6), seats = s.Number(40, 200), more = s.Number(5, 30);
        s.Say($"A {s.Pick("choir", "band", "circus", "puppet theater")} plays on {nights} nights for {seats} people each and on a last night for {more} people more than usual.");
        s.SayOne($"How many people see it in all?", $"What is the number of all visitors?");
        int usual = s.Multiply($"the people of {nights} nights", nights, seats);
        int last = s.Add($"the people of the last night", seats, more);
        s.Add($"all people", usual, last);
    }
}
