using System.Globalization;

namespace Pipeline.Host.Runs.Parts;

/// <summary>
/// One process's share of a flow's parts: those whose number, divided by <paramref name="Count"/>, leaves the remainder <paramref name="Index"/>.
/// </summary>
/// <param name="Flow">The name of the flow.</param>
/// <param name="Index">The number of the share, from 0.</param>
/// <param name="Count">How many shares there are.</param>
internal sealed record WorkShare(string Flow, int Index, int Count)
{
    /// <summary>Reads a share that is written as K/N, with K from 0. Null if the text is not of that form.</summary>
    public static (int Index, int Count)? Parse(string text)
    {
        string[] numbers = text.Split('/');
        return numbers.Length == 2
            && int.TryParse(numbers[0], NumberStyles.None, CultureInfo.InvariantCulture, out int index)
            && int.TryParse(numbers[1], NumberStyles.None, CultureInfo.InvariantCulture, out int count)
            && index < count
            ? (index, count)
            : null;
    }

    /// <summary>The numbers of the share's parts, of a flow with this many parts.</summary>
    public IEnumerable<int> Of(int parts) => Enumerable.Range(0, parts).Where(Holds);

    public bool Holds(int part) => part % Count == Index;
}
