using System.Globalization;

namespace Pipeline.Host.Runs.Parts;

/// <summary>Share <paramref name="Index"/> (from 0) of <paramref name="Count"/> of a flow's parts: those whose number leaves that rest.</summary>
/// <param name="Flow">Name of the flow.</param>
/// <param name="Index">From 0.</param>
/// <param name="Count">Of as many shares.</param>
internal sealed record WorkShare(string Flow, int Index, int Count)
{
    /// <summary>K/N; null if the text is not of that form.</summary>
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

    public IEnumerable<int> Of(int parts) => Enumerable.Range(0, parts).Where(Holds);

    public bool Holds(int part) => part % Count == Index;
}
