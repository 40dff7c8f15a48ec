using System.ComponentModel.DataAnnotations;
using System.Globalization;

using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Errors;
using Pipeline.Stages.Chat;

namespace Pipeline.Stages.Documents;

/// <summary>The options of a tokenizing stage in one form, for any number of sides.</summary>
/// <param name="Limits">[sides] the largest number of tokens that a document may have on each side.</param>
internal sealed record TokenizationRule(int[] Limits, LongDocuments LongDocuments, bool AddBos, bool AddEos, LossOn? LossOn, string? LossMarker, DateOnly? TemplateDate)
{
    private const string Day = "yyyy-MM-dd";

    /// <exception cref="DefinitionException">The options break a rule.</exception>
    public static TokenizationRule Of(TokenizeOptions options)
    {
        OptionRules.Require(options, "tokenize");
        return new TokenizationRule(
            [options.MaxTeacherTokens, options.StudentLimit],
            options.LongDocuments, options.AddBos, options.AddEos, options.LossOn, options.LossMarker, Date(options.TemplateDate));
    }

    /// <exception cref="DefinitionException">The options break a rule.</exception>
    public static TokenizationRule Of(TokenizeStudentOptions options)
    {
        OptionRules.Require(options, "tokenize-student");
        return new TokenizationRule(
            [options.MaxStudentTokens], options.LongDocuments, options.AddBos, options.AddEos, options.LossOn, options.LossMarker, Date(options.TemplateDate));
    }

    /// <summary>What is wrong about the keys that both kinds of options have.</summary>
    public static IEnumerable<ValidationResult> Faults(LossOn? lossOn, string? lossMarker, string? templateDate)
    {
        if (templateDate is not null && Date(templateDate) is null)
            yield return new ValidationResult($"'templateDate' is '{templateDate}', expected a day such as 2024-07-26", [nameof(TokenizeOptions.TemplateDate)]);
        if (lossOn == Chat.LossOn.Marker && string.IsNullOrEmpty(lossMarker))
            yield return new ValidationResult("'lossOn' is marker but 'lossMarker' is not given; give the text after which the loss counts", [nameof(TokenizeOptions.LossOn)]);
        if (lossOn != Chat.LossOn.Marker && lossMarker is not null)
            yield return new ValidationResult($"'lossMarker' '{lossMarker}' is given but 'lossOn' is not marker; set lossOn to marker or leave lossMarker out", [nameof(TokenizeOptions.LossMarker)]);
    }

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
    /// The rule as shards record it. The part about eos has the words of earlier versions where it means the same: with Reject, and without eos.
    /// </summary>
    public override string ToString()
        => string.Create(
            CultureInfo.InvariantCulture,
            $"tokens {string.Join('/', Limits)}, long {LongDocuments}, bos {AddBos}, eos {EosRule}, loss {LossOn?.ToString() ?? "default"} {LossMarker}{TemplateDate:' date' yyyy-MM-dd}");

    internal static DateOnly? Date(string? text)
        => DateOnly.TryParseExact(text, Day, CultureInfo.InvariantCulture, DateTimeStyles.None, out DateOnly date) ? date : null;
}
