namespace Pipeline.Stages.Text.Problems;

/// <summary>Someone in a problem.</summary>
internal sealed record Person(string Name, bool IsShe)
{
    public string They => IsShe ? "she" : "he";

    public string Their => IsShe ? "her" : "his";

    public string Them => IsShe ? "her" : "him";
}

/// <summary>The names and things that problems are about.</summary>
internal static class Words
{
    public static readonly string[] Women =
    [
        "Anna", "Mia", "Clara", "Nora", "Leila", "Ingrid", "Priya", "Sofia", "Yara", "Hannah", "Elena", "Amara", "Ruth", "Keiko", "Zoe", "Marta",
        "Olga", "Tessa", "Wanda", "Lucia", "Fatima", "Greta", "Ines", "June",
    ];

    public static readonly string[] Men =
    [
        "Ben", "Omar", "Lukas", "Tom", "Arjun", "Diego", "Felix", "Henry", "Ivan", "Jonas", "Kofi", "Liam", "Mateo", "Nils", "Oscar", "Paul",
        "Rafael", "Samuel", "Theo", "Victor", "Yusuf", "Emil", "Hugo", "Carl",
    ];

    public static readonly string[] SmallThings =
    [
        "marbles", "stickers", "buttons", "shells", "beads", "stamps", "postcards", "coins", "pebbles", "badges", "ribbons", "toy cars", "cards",
        "feathers", "magnets", "keys",
    ];

    public static readonly string[] Fruits =
        ["apples", "pears", "plums", "oranges", "lemons", "peaches", "figs", "melons", "cherries", "mangoes", "apricots", "limes"];

    public static readonly string[] Goods =
        ["pencils", "notebooks", "candles", "cups", "plates", "towels", "lamps", "scarves", "mugs", "kites", "baskets", "brushes", "erasers", "hats"];

    public static readonly string[] Containers = ["boxes", "bags", "baskets", "crates", "jars", "trays", "packets", "drawers"];

    public static readonly string[] Places =
        ["market", "harbor", "library", "museum", "station", "old mill", "swimming pool", "castle", "lighthouse", "town hall", "park", "bakery"];

    public static readonly string[] Trees = ["apple trees", "pear trees", "olive trees", "lemon trees", "walnut trees", "cherry trees"];

    public static readonly string[] Flowers = ["tulips", "roses", "daisies", "lilies", "sunflowers", "poppies", "violets"];

    public static readonly string[] Baked = ["rolls", "pies", "muffins", "biscuits", "loaves", "pretzels", "scones", "tarts"];

    public static readonly string[] Machines = ["printer", "pump", "loom", "press", "mill", "saw", "robot"];

    public static readonly string[] Relatives = ["brother", "sister", "cousin", "neighbor", "uncle", "aunt", "friend"];
}
