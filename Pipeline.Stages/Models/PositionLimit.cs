using System.Globalization;
using Pipeline.Contracts.Errors;

namespace Pipeline.Stages.Models;

/// <summary>
/// Checks that texts are no longer than the positions a model was made for (<c>max_position_embeddings</c>). A longer one is refused, or computed all the
/// same after a warning, which comes only once. Safe for several threads at once.
/// </summary>
/// <param name="model">What messages call the model.</param>
/// <param name="positions">How many positions the model was made for.</param>
/// <param name="isStrict">Whether longer texts are refused.</param>
/// <param name="say">Gets the warning. Null if nobody wants it.</param>
public sealed class PositionLimit(string model, int positions, bool isStrict, Action<string>? say)
{
    private int _isSaid;

    /// <summary>Checks a text of <paramref name="length"/> tokens.</summary>
    /// <exception cref="InputException">The text is too long, and such texts are refused.</exception>
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
