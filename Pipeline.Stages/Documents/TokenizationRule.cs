using System.Globalization;

using Pipeline.Contracts.Errors;
using Pipeline.Stages.Chat;

namespace Pipeline.Stages.Documents;

/// <summary>What the options of a tokenizing stage say, whatever the number of sides.</summary>
/// <param name="Limits">Tokens a document may have on each side.</param>
internal sealed record TokenizationRule(int[] Limits, LongDocuments LongDocuments, bool AddBos, bool AddEos, LossOn? LossOn, string? LossMarker, DateOnly? TemplateDate)
{
    public static TokenizationRule Of(TokenizeOptions options)
        => new TokenizationRule(
            [options.MaxTeacherTokens, options.StudentLimit],
            options.LongDocuments, options.AddBos, options.AddEos, options.LossOn, options.LossMarker, Date(options.TemplateDate)).Checked();

    public static TokenizationRule Of(TokenizeStudentOptions options)
        => new TokenizationRule(
            [options.MaxStudentTokens], options.LongDocuments, options.AddBos, options.AddEos, options.LossOn, options.LossMarker, Date(options.TemplateDate)).Checked();

    public bool Fits(ReadOnlySpan<int> counts)
    {
        for (int side = 0; side < counts.Length; side++)
        {
            if (counts[side] > Limits[side])
                return false;
        }
        return true;
    }

    private string EosRule => AddEos && LongDocuments != LongDocuments.Reject ? "at the end of the document" : AddEos.ToString(CultureInfo.InvariantCulture);

    /// <summary>
    /// The rule as shards say it. Where no document can be split or cut, it reads as it always did, because it means what it always meant.
    /// </summary>
    public override string ToString()
        => string.Create(
            CultureInfo.InvariantCulture,
            $"tokens {string.Join('/', Limits)}, long {LongDocuments}, bos {AddBos}, eos {EosRule}, loss {LossOn?.ToString() ?? "default"} {LossMarker}{TemplateDate:' date' yyyy-MM-dd}");

    private static DateOnly? Date(string? text)
        => text is null ? null
            : DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out DateOnly date) ? date
            : throw new DefinitionException($"templateDate is '{text}'; a day such as 2024-07-26 is expected");

    private TokenizationRule Checked()
    {
        if (LossOn == Chat.LossOn.Marker && string.IsNullOrEmpty(LossMarker))
            throw new DefinitionException("lossOn is marker but lossMarker is not given; say the text behind which the loss counts");
        if (LossOn != Chat.LossOn.Marker && LossMarker is not null)
            throw new DefinitionException($"lossMarker '{LossMarker}' is given but lossOn is not marker; set lossOn to marker or leave lossMarker out");
        return this;
    }
}
