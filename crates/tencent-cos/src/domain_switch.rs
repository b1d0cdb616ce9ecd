//! COS's second domain, for when its first cannot be reached.

use url::Url;

use crate::CosError;

/// The same address under `tencentcos.cn`, where COS's own host of a bucket is under `myqcloud.com`.
///
/// Which hosts these are is as in the official Python SDK (`qcloud_cos/cos_comm.py`, `switch_hostname`): neither the
/// internal nor the accelerated ones, nor the one that lists buckets.
pub(crate) fn other_domain(url: &Url) -> Option<Url> {
    let host = url.host_str()?.strip_suffix(".myqcloud.com")?;
    let mut labels = host.split('.');
    let (Some(bucket), Some("cos"), Some(region), None) = (labels.next(), labels.next(), labels.next(), labels.next())
    else {
        return None;
    };
    if !is_bucket(bucket) || !is_region(region) {
        return None;
    }
    let mut other = url.clone();
    other.set_host(Some(&format!("{host}.tencentcos.cn"))).ok()?;
    Some(other)
}

/// Whether `error` may be that of the way to the domain, and not of COS: COS names the requests that reach it.
pub(crate) fn may_be_of_the_domain(error: &CosError) -> bool {
    match error {
        CosError::Transport(_) | CosError::Silence { .. } => true,
        CosError::Refused(refusal) => refusal.status >= 500 && refusal.request_id.is_none(),
        _ => false,
    }
}

fn is_bucket(label: &str) -> bool {
    label.rsplit_once('-').is_some_and(|(name, appid)| {
        !name.is_empty()
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && !appid.is_empty()
            && appid.bytes().all(|b| b.is_ascii_digit())
    })
}

/// `ap-guangzhou`, `ap-shanghai-fsi`, `ap-beijing-1`.
fn is_region(label: &str) -> bool {
    let words = label.strip_suffix("-1").unwrap_or(label).split('-');
    let mut count = 0;
    let all_are_words =
        words.inspect(|_| count += 1).all(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase()));
    all_are_words && (2..=3).contains(&count)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn switched(url: &str) -> Option<String> {
        other_domain(&Url::parse(url).unwrap()).map(String::from)
    }

    #[test]
    fn a_buckets_own_host_has_another_domain() {
        for region in ["ap-guangzhou", "ap-shanghai-fsi", "ap-beijing-1", "na-siliconvalley"] {
            assert_eq!(
                switched(&format!("https://a-b-125.cos.{region}.myqcloud.com/k%2Fx?y=z")),
                Some(format!("https://a-b-125.cos.{region}.tencentcos.cn/k%2Fx?y=z"))
            );
        }
    }

    #[test]
    fn no_other_host_has_one() {
        for host in [
            "service.cos.myqcloud.com",
            "cos.ap-guangzhou.myqcloud.com",
            "a-125.cos.accelerate.myqcloud.com",
            "a-125.cos-internal.ap-guangzhou.myqcloud.com",
            "a-125.cos.ap-guangzhou.tencentcos.cn",
            "a.cos.ap-guangzhou.myqcloud.com",
            "a-125.cos.ap-guangzhou.myqcloud.com.example",
            "x.a-125.cos.ap-guangzhou.myqcloud.com",
            "a-125.cos.ap-a-b-c.myqcloud.com",
            "127.0.0.1:9000",
        ] {
            assert_eq!(switched(&format!("https://{host}/")), None, "{host}");
        }
    }
}
