using System.Globalization;
using Pipeline.Contracts.Errors;

namespace Pipeline.Stages.Models;

/// <summary>
/// What happens when a text is longer than the positions a model was made for (<c>max_position_embeddings</c>): it is computed all the same,
/// and said once, or refused.
/// </summary>
/// <param name="model">As messages name it.</param>
/// <param name="positions">That it was made for.</param>
/// <param name="isStrict">Refuse.</param>
/// <param name="say">Gets the warning; null: nobody does.</param>
public sealed class PositionLimit(string model, int positions, bool isStrict, Action<string>? say)
{
    private int _isSaid;

    /// <exception cref="InputException">It is longer, and longer texts are refused.</exception>
    public void Check(int length)
    {
        if (length <= positions)
            return;
        string message = string.Create(
            CultureInfo.InvariantCulture, $"{model} was made for {positions} positions (max_position_embeddings) but is given {length}: it has not learnt what comes beyond; shorten the texts");
        if (isStrict)
            throw new InputException($"{message}, or turn strict positions off");
        if (Interlocked.Exchange(ref _isSaid, 1) == 0)
            say?.Invoke($"warning: {message}");
    }
}
