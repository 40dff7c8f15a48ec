using Pipeline.Contracts.Errors;

namespace Pipeline.Stages.Tokenization.Reading;

/// <summary>The ids that are put before and after those of a text when special tokens are asked for.</summary>
internal sealed record SpecialFrame(IReadOnlyList<int> Before, IReadOnlyList<int> After)
{
    public static SpecialFrame None { get; } = new([], []);
}

/// <summary>Reads the <c>post_processor</c> of a tokenizer.json, as far as it concerns single texts.</summary>
internal static class TemplateReader
{
    private const string Supported = "TemplateProcessing, ByteLevel, BertProcessing, RobertaProcessing and Sequence are supported";

    /// <exception cref="InputException">The file says something that is not supported.</exception>
    public static SpecialFrame Read(JsonPlace place)
    {
        if (place.IsNull)
            return SpecialFrame.None;
        string type = place["type"].Text();
        switch (type)
        {
            case "ByteLevel":
                return SpecialFrame.None;
            case "TemplateProcessing":
                return ReadTemplate(place);
            case "BertProcessing" or "RobertaProcessing":
                return new SpecialFrame([PairId(place["cls"])], [PairId(place["sep"])]);
            case "Sequence":
                SpecialFrame frame = SpecialFrame.None;
                foreach (JsonPlace item in place["processors"].Items())
                {
                    SpecialFrame outer = Read(item);
                    frame = new SpecialFrame([.. outer.Before, .. frame.Before], [.. frame.After, .. outer.After]);
                }
                return frame;
            default:
                throw place["type"].Refuse($"'{type}'", Supported);
        }
    }

    private static SpecialFrame ReadTemplate(JsonPlace place)
    {
        var before = new List<int>();
        var after = new List<int>();
        bool seen = false;
        foreach (JsonPlace item in place["single"].Items())
        {
            if (item.Has("Sequence"))
            {
                if (seen || item["Sequence"]["id"].Text() != "A")
                    throw item.Refuse(item.Describe(), "a template for one text must have sequence A once");
                seen = true;
                continue;
            }
            if (!item.Has("SpecialToken"))
                throw item.Refuse(item.Describe(), "Sequence and SpecialToken are supported");
            string name = item["SpecialToken"]["id"].Text();
            foreach (JsonPlace id in place["special_tokens"][name]["ids"].Items())
                (seen ? after : before).Add(id.Number(0, ModelReader.MaxIds - 1));
        }
        return seen ? new SpecialFrame(before, after) : throw place["single"].Refuse("without sequence A", "a template may have it only once");
    }

    private static int PairId(JsonPlace place)
    {
        var items = place.Items().ToList();
        return items.Count == 2 ? items[1].Number(0, ModelReader.MaxIds - 1) : throw place.Refuse(place.Describe(), "expected [token, id]");
    }
}
